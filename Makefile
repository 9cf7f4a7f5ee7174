# Everything one does here. `make` alone lists it.
export GOTOOLCHAIN := auto
export CGO_ENABLED ?= 0
VERSION  := $(shell sed -n 's/^var version = "\(.*\)"/\1/p' cmd/openclaw/*.go)
LINT     := bin/golangci-lint-v2.15.0
PYTHON   := .cache/venv/bin/python
# npm writes these when all else is there, so an installation that was broken off is begun anew.
WEB_DEPS := web/node_modules/.package-lock.json
SDK_DEPS := sdk/node/node_modules/.package-lock.json
GO_TEST  := CGO_ENABLED=1 go test -race -shuffle=on -timeout 10m

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 20

.PHONY: build
build: page ## build bin/openclaw, with the page where there is Node.js
	@[ -x bin/openclaw ] || echo "Building the gateway. The first time, Go fetches libraries and compiles them all: a few minutes, most of them silent."
	@go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/openclaw ./cmd/openclaw

.PHONY: page
page:
	@if command -v npm >/dev/null; then \
		$(MAKE) --silent --no-print-directory web/dist/index.html || echo "The page could not be built, for the reason above; the gateway can."; \
	else \
		echo "There is no npm here, so the page is not built; the gateway is."; \
	fi

web/dist/index.html: $(WEB_DEPS) web/index.html web/vite.config.ts $(shell find web/src web/public sdk/node/src -type f)
	@echo "Building the page."
	@cd web && npm run --silent build -- --logLevel warn

$(WEB_DEPS): web/package-lock.json
	@echo "Fetching what the page is built with (npm)."
	@cd web && npm ci --silent
	@touch $@

.PHONY: serve
serve: build ## build the gateway and start it
	@bin/openclaw serve

# The tests of the clients run against the gateway, and the gateway's against the clients, so all of it is built first.
.PHONY: test
test: lint build sdk/node/dist $(PYTHON) ## run all tests and linters
	OPENCLAW_TEST_ALL=1 OPENCLAW_TEST_PYTHON=$(CURDIR)/$(PYTHON) $(MAKE) test-go
	$(MAKE) bench-gate
	$(MAKE) -j2 --output-sync=line test-web test-sdks
	SEED=1 SECONDS_MAX=30 $(MAKE) schemathesis

.PHONY: test-go
test-go: ## the gateway's tests, with the race detector and in random order
	$(GO_TEST) ./...

# One behind the other, also where make runs several things at a time: beside them the page's tests need a processor too.
.PHONY: test-sdks
test-sdks: ## the clients' tests
	MAKEFLAGS= $(MAKE) test-sdk-go test-sdk-node test-sdk-python

.PHONY: test-sdk-go
test-sdk-go: ## the Go client's tests
	cd sdk/go && $(GO_TEST) ./...

.PHONY: test-sdk-node
test-sdk-node: $(SDK_DEPS) ## the Node.js client's tests, types, lint and package
	cd sdk/node && npm run --silent lint && npm run --silent typecheck && npm test --silent && npm run --silent check:package

.PHONY: test-sdk-python
test-sdk-python: $(PYTHON) ## the Python client's tests, types and lint
	cd sdk/python && $(CURDIR)/$(PYTHON) scripts/check.py

.PHONY: test-web
test-web: $(WEB_DEPS) ## the page's tests, in a real browser
	cd web && npm run --silent lint && npm run --silent typecheck && npm test --silent

$(SDK_DEPS): sdk/node/package-lock.json
	cd sdk/node && npm ci --silent
	touch $@

sdk/node/dist: $(SDK_DEPS) $(shell find sdk/node/src sdk/node/scripts -type f)
	cd sdk/node && npm run --silent build
	touch $@

$(PYTHON): sdk/python/pyproject.toml sdk/python/constraints.txt
	python3 -m venv .cache/venv
	$(PYTHON) -m pip install --quiet --upgrade pip
	cd sdk/python && $(CURDIR)/$(PYTHON) -m pip install --quiet -c constraints.txt -e . --group dev
	touch $@

.PHONY: lint
lint: $(LINT) ## gofmt, go vet, staticcheck and the rules of the house
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -d $$(git ls-files '*.go'); exit 1; }
	CGO_ENABLED=0 $(LINT) run ./...
	cd sdk/go && CGO_ENABLED=0 ../../$(LINT) run ./...

$(LINT):
	GOBIN=$(CURDIR)/bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(patsubst bin/golangci-lint-%,%,$@)
	mv bin/golangci-lint $@

.PHONY: schemathesis
schemathesis: build ## made-up requests against the contract, for a minute (SECONDS_MAX)
	scripts/schemathesis.sh

.PHONY: fuzz
fuzz: ## every fuzz target, for 30 s each (FUZZTIME)
	scripts/fuzz.sh

.PHONY: audit
audit: ## known vulnerabilities in what is used, where their databases can be reached
	scripts/audit.sh

.PHONY: bench
bench: build ## measure it beside proxies and other gateways, and write docs/performance.md (20 minutes)
	bench/peers.sh
	go run ./bench run

.PHONY: bench-quick
bench-quick: build ## the same in two minutes, to see that it works; nothing to quote
	go run ./bench run -quick -docs .cache/bench/docs

.PHONY: bench-gate
bench-gate: ## what a chat and a chunk may allocate
	go test ./bench -run Gate -count=1 -v

.PHONY: licences
licences: ## write docs/licences.md
	go run ./internal/supply licences > docs/licences.md.new && mv docs/licences.md.new docs/licences.md

.PHONY: sbom
sbom: build ## write bin/openclaw.cdx.json, what the binary is made of
	go run ./internal/supply sbom bin/openclaw > bin/openclaw.cdx.json

.PHONY: clean
clean: ## delete what was built
	rm -rf bin .cache sdk/node/dist sdk/node/node_modules web/node_modules
	git clean -qfdX web/dist
