# Everything one does here. `make` alone lists it.
export GOTOOLCHAIN := auto
export CGO_ENABLED ?= 0
VERSION  ?= $(shell sed -n 's/^var version = "\(.*\)"/\1/p' cmd/openclaw/*.go)
LINT     := bin/golangci-lint-v2.15.0
GO_TEST  := CGO_ENABLED=1 go test -race -shuffle=on -timeout 10m

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 16

.PHONY: build
build: ## build bin/openclaw
	go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/openclaw ./cmd/openclaw

.PHONY: serve
serve: build ## build the gateway and start it
	@bin/openclaw serve

.PHONY: test
test: lint test-go test-sdk-go ## run all tests and linters

.PHONY: test-go
test-go: build ## the gateway's tests, with the race detector and in random order
	$(GO_TEST) ./...

.PHONY: test-sdk-go
test-sdk-go: ## the Go SDK's tests
	cd sdk/go && $(GO_TEST) ./...

.PHONY: lint
lint: $(LINT) ## gofmt, go vet, staticcheck and the rules of the house
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -d $$(git ls-files '*.go'); exit 1; }
	CGO_ENABLED=0 $(LINT) run ./...
	cd sdk/go && CGO_ENABLED=0 ../../$(LINT) run ./...

$(LINT):
	GOBIN=$(CURDIR)/bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(patsubst bin/golangci-lint-%,%,$@)
	mv bin/golangci-lint $@

.PHONY: clean
clean: ## delete what was built
	rm -rf bin
