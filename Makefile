.PHONY: demo test build bench bench-go lint lint-go lint-js vulnerabilities format clean profile soak soak-long test-go test-fuzz test-wasm test-web

# The demo page and a sandbox wallet, on loopback. Needs Go alone.
demo:
	COMPRESS=no ./build.sh >/dev/null
	go run ./web/serve -fee 200 -payment-delay 1s

# Everything. Needs Go, Node 20 and npm, and installs the rest.
test: lint test-go test-fuzz test-wasm build test-web

build:
	./build.sh

lint: lint-go lint-js

lint-go:
	test -z "$$(gofmt -l pkg wasm web)"
	go vet ./...
	go tool staticcheck ./...
	GOOS=js GOARCH=wasm go vet -tags faults ./wasm ./pkg/jsbridge
	! $(long_lines) --include='*.go' --exclude-dir=testdata pkg wasm web
	web/test/lint-wasm.sh

# Finds lines of more than 150 characters: no line needs a horizontal scroll bar.
long_lines = LC_ALL=C.UTF-8 grep -rnE '^.{151}' --exclude-dir=node_modules

prettier = web/test/node_modules/.bin/prettier --log-level warn

# The formatter's check, and the type checker's: of JavaScript by its JSDoc types, and of index.js against index.d.ts. What the
# formatter cannot break, such as a long text, is broken by hand.
lint-js: web/test/node_modules
	$(prettier) --check .
	! $(long_lines) --include='*.js' --include='*.mjs' --include='*.ts' --exclude-dir=out --exclude-dir='.?*' wasm web
	cd web/test && node node_modules/typescript/bin/tsc -p javascript

# Known vulnerabilities of Go and of what is linked, natively and in the module. It asks a database on the network, so no test does;
# before a release it is clean, or what it says is explained.
vulnerabilities:
	tools=$$(mktemp -d) && trap 'rm -rf "$$tools"' EXIT && GOBIN=$$tools go install golang.org/x/vuln/cmd/govulncheck@v1.9.0 && \
	$$tools/govulncheck ./... && GOOS=js GOARCH=wasm $$tools/govulncheck ./wasm

format: web/test/node_modules
	gofmt -w pkg wasm web
	$(prettier) --write .

# The post-linker has no goroutines: its tests, which run whole programs, go without the race detector.
test-go:
	go test -run TestMoneyMovesOnce ./pkg/openpayments/payment
	go test -race $$(go list ./... | grep -v /wasm/postlink)
	go test ./wasm/postlink/...
	go test -run Budget ./pkg/gnap

# A short look for what breaks the parsers of all that others send, from the corpus in the tests; findings land in testdata/fuzz.
# So many inputs, not so many seconds: a worker that is still busy when the time is up fails the run.
fuzz = go test -run '^$$' -fuzztime $(or $(INPUTS),8000)x -fuzz

test-fuzz:
	$(fuzz) FuzzParseText ./pkg/keys
	$(fuzz) FuzzParseBytes ./pkg/keys
	$(fuzz) FuzzPackings ./pkg/keys
	$(fuzz) FuzzVerify ./pkg/httpsig
	$(fuzz) FuzzRedact ./pkg/signedhttp
	$(fuzz) FuzzMarshal ./pkg/signedhttp
	$(fuzz) FuzzResponse ./pkg/gnap
	$(fuzz) FuzzInteractionHash ./pkg/gnap
	$(fuzz) FuzzResponse ./pkg/openpayments
	$(fuzz) FuzzAmount ./pkg/openpayments
	$(fuzz) FuzzRecord ./pkg/openpayments/payment

test-wasm:
	GOOS=js GOARCH=wasm go test -exec="$$(go env GOROOT)/lib/wasm/go_js_wasm_exec" ./pkg/jsbridge ./wasm

test-web: web/test/node_modules web/bench/node_modules
	web/test/install-browsers.sh
	cd web/test && npx --no-install tsc && node --test --test-concurrency=2 *.test.mjs

# The long runs: payments, the extension, instances, workers, pages and browsers that are killed, networks, clocks and storage that
# give way, the package without each of its passes, a build with an empty cache and frameworks that are slow to install; then, at the
# same time, random calls under random faults in both browsers, which wait most of the time, random inputs, and the tests of Go's own
# packages and random programs through the post-linker. At most 35 minutes of two cores.
soak: build web/test/node_modules web/bench/node_modules
	web/test/install-browsers.sh
	cd web/test && node --test --test-concurrency=2 soak/*.test.mjs
	go test -timeout 60m ./wasm/postlink -args -soak & postlink=$$!; \
	(cd web/test && node soak/inputs-cli.mjs --count=150000) & inputs=$$!; \
	(cd web/test && node soak/soak-cli.mjs); calls=$$?; wait $$postlink && wait $$inputs && exit $$calls

# The same without an end, and with new seeds: what is found stops it, and is printed with its seed.
soak-long: build web/test/node_modules
	web/test/install-browsers.sh
	cd web/test && while node soak/soak-cli.mjs && node soak/inputs-cli.mjs --count=1000000 && \
	node --test soak/kills-*.test.mjs; do :; done; exit 1

web/test/node_modules: web/test/package-lock.json
	cd web/test && npm ci --no-fund --no-audit
	touch $@

web/bench/node_modules: web/bench/package-lock.json
	cd web/bench && npm ci --no-fund --no-audit
	touch $@

# This package side by side with others, in both browsers; see web/bench/README.md. Fails where a bar is missed.
bench: build web/bench/node_modules web/test/node_modules
	web/test/install-browsers.sh
	cd web/bench && node bench.mjs

bench-go:
	@go test -run '^$$' -bench . -count 10 ./pkg/httpsig ./pkg/gnap ./pkg/keys

# Renews wasm/npm/needed.txt, the functions that run in tests, after a change to what calls do; a few minutes.
profile: web/test/node_modules
	web/test/install-browsers.sh
	cd web/test && node profile.mjs

clean:
	rm -rf dist web/test/node_modules web/bench/node_modules web/test/bundlers/node_modules web/test/bundlers/*/out web/test/bundlers/next/.next
	cd web/test/soak/frameworks && rm -rf node_modules .angular */out wxt/.output wxt/.wxt sveltekit/.svelte-kit
