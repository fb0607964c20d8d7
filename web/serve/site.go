package main

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"os"
	"path"
	"strings"

	"open-payments-wasm/pkg/sandbox"
)

// places says where everything is. It is printed by -json; what a page needs of it is served as
// /config.json.
type places struct {
	Demo    string `json:"demo"`
	Sandbox string `json:"sandbox"`
	siteConfig
	// Faults is with -faults alone: where they are put, and with which secret.
	Faults *faultConfig `json:"faults,omitempty"`
	// Peer is with -peer-addr alone: the other sandbox.
	Peer *siteConfig `json:"peer,omitempty"`
}

type siteConfig struct {
	AuthServer    string `json:"authServer"`
	WalletAddress string `json:"walletAddress"` // alice's
	Clients       string `json:"clients"`
	// Wallets are the addresses of the wallets that have money, by name.
	Wallets map[string]string `json:"wallets"`
}

type faultConfig struct {
	URL    string `json:"url"`
	Secret string `json:"secret"`
}

func newPlaces(demo, wallet string) places {
	return places{Demo: demo + "/", Sandbox: wallet, siteConfig: newSiteConfig(wallet)}
}

func newSiteConfig(wallet string) siteConfig {
	config := siteConfig{
		AuthServer:    wallet + "/auth/",
		WalletAddress: wallet + "/alice",
		Clients:       wallet + "/clients/",
		Wallets:       map[string]string{},
	}
	for _, w := range sandbox.DefaultWallets() {
		config.Wallets[w.Name] = wallet + "/" + w.Name
	}
	return config
}

// newSite serves the demo page, the built package below /dist/, and /config.json.
func newSite(demo, dist string, p places) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /", files(demo))
	mux.Handle("GET /dist/", http.StripPrefix("/dist", files(dist)))
	mux.HandleFunc("GET /config.json", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(p.siteConfig) // fails when the browser went away
	})
	policy := contentSecurityPolicy(p.Sandbox)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", policy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cache-Control", "no-cache") // keep it, but ask whether it changed
		mux.ServeHTTP(w, r)
	})
}

// contentSecurityPolicy lets the page run what this server serves, compile WebAssembly, and speak
// to the sandbox and to whatever wallet a person names in the form: any https: origin, and loopback.
func contentSecurityPolicy(wallet string) string {
	return strings.Join([]string{
		"default-src 'none'",
		"script-src 'self' 'wasm-unsafe-eval'",
		"style-src 'self'",
		"img-src 'self' data:",
		"connect-src 'self' " + wallet + " http://localhost:* http://127.0.0.1:* https:",
		"base-uri 'none'",
		"form-action 'none'",
		"frame-ancestors 'none'",
		"require-trusted-types-for 'script'",
		"trusted-types 'none'",
	}, "; ")
}

// contentTypes are those that matter: a machine's own table may lack them or say otherwise.
var contentTypes = map[string]string{
	".css":  "text/css; charset=utf-8",
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".json": "application/json",
	".mjs":  "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
	".wasm": "application/wasm",
}

// encodings are the precompressed copies that may lie beside a file, best first.
var encodings = []struct{ name, suffix string }{{"br", ".br"}, {"gzip", ".gz"}}

// files serves the files of a folder, precompressed where there is a copy that is not older than
// the file and the browser takes it, with an ETag. There are no listings.
func files(folder string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.URL.Path
		if strings.HasSuffix(name, "/") {
			name += "index.html"
		}
		file, info := open(folder, name)
		if file == nil {
			http.NotFound(w, r)
			return
		}
		defer file.Close()
		w.Header().Set("Content-Type", contentType(name))
		w.Header().Add("Vary", "Accept-Encoding")
		for _, encoding := range encodings {
			if !accepts(r, encoding.name) {
				continue
			}
			smaller, smallerInfo := open(folder, name+encoding.suffix)
			if smaller == nil {
				continue
			}
			defer smaller.Close()
			if smallerInfo.ModTime().Before(info.ModTime()) {
				continue
			}
			w.Header().Set("Content-Encoding", encoding.name)
			file, info = smaller, smallerInfo
			break
		}
		w.Header().Set("ETag", fmt.Sprintf(`"%x-%x"`, info.ModTime().UnixNano(), info.Size()))
		http.ServeContent(w, r, name, info.ModTime(), file)
	})
}

// open returns a regular file of a folder, or nil.
func open(folder, name string) (http.File, os.FileInfo) {
	file, err := http.Dir(folder).Open(name)
	if err != nil {
		return nil, nil
	}
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		file.Close()
		return nil, nil
	}
	return file, info
}

func contentType(name string) string {
	extension := path.Ext(name)
	if known, ok := contentTypes[extension]; ok {
		return known
	}
	if known := mime.TypeByExtension(extension); known != "" {
		return known
	}
	return "application/octet-stream"
}

// accepts says whether a browser takes a content encoding (RFC 9110 §12.5.3).
func accepts(r *http.Request, encoding string) bool {
	for _, item := range strings.Split(r.Header.Get("Accept-Encoding"), ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(item), ";")
		if strings.TrimSpace(name) == encoding {
			return strings.Trim(strings.TrimSpace(weight), "0.") != "q="
		}
	}
	return false
}
