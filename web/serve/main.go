// Command serve shows the demo page and runs the sandbox wallet beside it, on another port and so
// on another origin, as in real life. It listens on loopback only. The wallets alice (USD), bob (EUR) and shop (USD) have
// money, a euro is worth 1.25 dollars, and everything is forgotten when the command ends.
//
//	go run ./web/serve [-addr 127.0.0.1:8080] [-sandbox-addr 127.0.0.1:8081]
//
// For tests, -json prints where everything is, the wallets and their addresses too, -peer-addr runs a second sandbox
// whose wallets pay and are paid by the first one's, and -faults lets whoever has the secret that is printed in the JSON
// say what shall go wrong (see sandbox.FaultPlan).
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"open-payments-wasm/pkg/sandbox"
)

type options struct {
	addr, sandboxAddr string
	peerAddr          string
	demo, dist        string
	json              bool
	wait              time.Duration
	quoteLifetime     time.Duration
	tokenLifetime     time.Duration
	grantLifetime     time.Duration
	lenient           bool
	rotate            bool
	faults            bool
	feeBasisPoints    uint64
	paymentDelay      time.Duration
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "serve:", err)
		os.Exit(1)
	}
}

func parseOptions(args []string, messages io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	flags.SetOutput(messages)
	flags.StringVar(&o.addr, "addr", "127.0.0.1:8080", "where the demo page listens")
	flags.StringVar(&o.sandboxAddr, "sandbox-addr", "127.0.0.1:8081", "where the sandbox wallet listens")
	flags.StringVar(&o.peerAddr, "peer-addr", "", "where a second sandbox listens, a peer of the first one; empty: there is none")
	flags.StringVar(&o.demo, "demo", "web/demo", "folder of the demo page")
	flags.StringVar(&o.dist, "dist", "dist", "folder of the built package")
	flags.BoolVar(&o.json, "json", false, "print the addresses as one line of JSON")
	flags.DurationVar(&o.wait, "wait", 5*time.Second, "how long the sandbox makes clients wait before they continue")
	flags.BoolVar(&o.lenient, "lenient", false, "let the sandbox accept signatures without nonce and tag, as of the Node client")
	flags.BoolVar(&o.rotate, "rotate-continuation", false, "let the sandbox change continuation token and URI with every answer")
	flags.DurationVar(&o.quoteLifetime, "quote-lifetime", 5*time.Minute, "how long quotes of the sandbox can be paid")
	flags.DurationVar(&o.tokenLifetime, "token-lifetime", 10*time.Minute, "how long access tokens of the sandbox are good for")
	flags.DurationVar(&o.grantLifetime, "grant-lifetime", time.Hour, "how long grants of the sandbox are known")
	flags.Uint64Var(&o.feeBasisPoints, "fee", 0, "what the sandbox takes of the sender of a payment besides, in hundredths of a percent of it")
	flags.DurationVar(&o.paymentDelay, "payment-delay", 0, "how long payments of the sandbox are under way")
	flags.BoolVar(&o.faults, "faults", false, "let the sandbox take faults at /faults, with the secret in the line of JSON")
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	if o.faults && !o.json {
		return options{}, errors.New("-faults needs -json, which prints the secret")
	}
	if flags.NArg() > 0 {
		return options{}, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return o, nil
}

// run serves until ctx is done. It prints where to standard output, and everything else to
// messages.
func run(ctx context.Context, args []string, stdout, messages io.Writer) error {
	o, err := parseOptions(args, messages)
	if err != nil {
		return err
	}
	demo, err := listen("addr", o.addr, messages)
	if err != nil {
		return err
	}
	defer demo.Close()
	wallet, err := listen("sandbox-addr", o.sandboxAddr, messages)
	if err != nil {
		return err
	}
	defer wallet.Close()

	places := newPlaces(origin(o.addr, demo), origin(o.sandboxAddr, wallet))
	config := o.sandboxConfig()
	if config.FaultSecret != "" {
		places.Faults = &faultConfig{URL: places.Sandbox + "/faults", Secret: config.FaultSecret}
	}
	server := sandbox.New(config)
	handlers := map[net.Listener]http.Handler{wallet: server}
	if o.peerAddr != "" {
		peer, err := listen("peer-addr", o.peerAddr, messages)
		if err != nil {
			return err
		}
		defer peer.Close()
		handlers[peer] = o.peerOf(server, places.Sandbox, origin(o.peerAddr, peer))
		other := newSiteConfig(origin(o.peerAddr, peer))
		places.Peer = &other
	}
	handlers[demo] = newSite(o.demo, o.dist, places)
	warnIfNotBuilt(o.dist, messages)
	if err := announce(places, o.json, stdout); err != nil {
		return err
	}
	return serve(ctx, handlers)
}

// peerOf returns another sandbox. Both know the other's wallets.
func (o options) peerOf(server *sandbox.Server, serverURL, peerURL string) *sandbox.Server {
	peer := sandbox.New(o.sandboxConfig())
	server.AddPeer(peerURL, peer)
	peer.AddPeer(serverURL, server)
	return peer
}

func (o options) sandboxConfig() sandbox.Config {
	config := sandbox.Config{
		Wait:                    o.wait,
		AcceptUnboundSignatures: o.lenient,
		RotateContinuation:      o.rotate,
		QuoteLifetime:           o.quoteLifetime,
		AccessLifetime:          o.tokenLifetime,
		GrantLifetime:           o.grantLifetime,
		Fee:                     sandbox.Fee{BasisPoints: o.feeBasisPoints},
		PaymentDelay:            o.paymentDelay,
	}
	if o.wait <= 0 {
		config.Wait = sandbox.NoWait
	}
	if o.faults {
		config.FaultSecret = rand.Text()
	}
	return config
}

// listen opens a port of this machine for itself: the address that was asked for or, when that is
// taken, any other. It refuses addresses that other machines can reach.
func listen(flagName, addr string, messages io.Writer) (net.Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("-%s %s: expected host:port: %w", flagName, addr, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("-%s %s: only loopback is served, such as 127.0.0.1:8080: whoever reaches the sandbox can approve", flagName, addr)
	}
	listener, err := net.Listen("tcp", addr)
	if !errors.Is(err, syscall.EADDRINUSE) {
		return listener, err
	}
	listener, err = net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err == nil {
		fmt.Fprintf(messages, "%s is taken, using %s instead; choose another with -%s\n", addr, listener.Addr(), flagName)
	}
	return listener, err
}

// origin is the origin of what listens, under the name that was asked for.
func origin(addr string, listener net.Listener) string {
	host, _, _ := net.SplitHostPort(addr)
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return "http://" + net.JoinHostPort(host, port)
}

func warnIfNotBuilt(dist string, messages io.Writer) {
	if _, err := os.Stat(filepath.Join(dist, "open-payments.wasm")); err != nil {
		fmt.Fprintf(messages, "%s is not built, the demo cannot start: run `make build` and reload the page\n", dist)
	}
}

func announce(p places, asJSON bool, stdout io.Writer) error {
	if asJSON {
		return json.NewEncoder(stdout).Encode(p)
	}
	_, err := fmt.Fprintln(stdout, "Open", p.Demo)
	return err
}

// serve runs every handler on its listener until ctx is done or one of them fails.
func serve(ctx context.Context, handlers map[net.Listener]http.Handler) error {
	failed := make(chan error, len(handlers))
	for listener, handler := range handlers {
		server := newServer(handler)
		defer server.Close()
		go func() { failed <- server.Serve(listener) }()
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return err
	}
}

// newServer bounds how long a connection may be held: by headers and bodies that never end, by responses that nobody
// reads, and by nothing at all.
func newServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      2 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
}
