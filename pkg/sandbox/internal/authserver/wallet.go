package authserver

import "net/http"

// walletAddress is the document that the wallet address of a client serves (Open Payments).
type walletAddress struct {
	ID             string `json:"id"`
	PublicName     string `json:"publicName"`
	AssetCode      string `json:"assetCode"`
	AssetScale     int    `json:"assetScale"`
	AuthServer     string `json:"authServer"`
	ResourceServer string `json:"resourceServer"`
}

// describeClient returns the document of a client. There is no account behind it: its asset is there because a wallet
// address has one.
func (s *Server) describeClient(r *http.Request, name string) walletAddress {
	base := s.config.BaseURL(r)
	return walletAddress{
		ID:             base + clientsPath + name,
		PublicName:     name,
		AssetCode:      "USD",
		AssetScale:     2,
		AuthServer:     base + "/auth/",
		ResourceServer: base + "/op",
	}
}
