package sandbox

import "net/http"

// walletAddress is the document that a wallet address URL serves (Open Payments).
type walletAddress struct {
	ID             string `json:"id"`
	PublicName     string `json:"publicName"`
	AssetCode      string `json:"assetCode"`
	AssetScale     int    `json:"assetScale"`
	AuthServer     string `json:"authServer"`
	ResourceServer string `json:"resourceServer"`
}

func (s *Server) describeWallet(r *http.Request, path, name string) walletAddress {
	base := s.baseURL(r)
	return walletAddress{
		ID:             base + path,
		PublicName:     name,
		AssetCode:      "USD",
		AssetScale:     2,
		AuthServer:     base + "/auth/",
		ResourceServer: base + "/op/",
	}
}

func (s *Server) getWallet(r *http.Request) (any, error) {
	name := r.PathValue("wallet")
	if !s.hasWallet(name) {
		return nil, failPlain(http.StatusNotFound, "no such wallet address")
	}
	return s.describeWallet(r, "/"+name, name), nil
}
