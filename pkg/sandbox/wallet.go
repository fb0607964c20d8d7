package sandbox

import (
	"net/http"

	"open-payments-wasm/pkg/sandbox/internal/respond"
)

// walletAddress is the document that a wallet address URL serves (Open Payments).
type walletAddress struct {
	ID             string `json:"id"`
	PublicName     string `json:"publicName"`
	AssetCode      string `json:"assetCode"`
	AssetScale     int    `json:"assetScale"`
	AuthServer     string `json:"authServer"`
	ResourceServer string `json:"resourceServer"`
}

func (s *Server) getWallet(r *http.Request) (any, error) {
	name := r.PathValue("wallet")
	if !s.hasWallet(name) {
		return nil, respond.FailPlain(http.StatusNotFound, "no such wallet address")
	}
	base := s.baseURL(r)
	return walletAddress{
		ID: base + "/" + name, PublicName: name, AssetCode: "USD", AssetScale: 2, AuthServer: base + "/auth/", ResourceServer: base + "/op/",
	}, nil
}
