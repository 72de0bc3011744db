portcullis := .build/release/portcullis
product := portcullis
listen := 127.0.0.1:8443
inventory := manifests/samples/cluster

.PHONY: help run build test e2e image bench certs reference dependencies

help: ## list these targets
	@grep -E '^[a-z0-9]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9]+):[^#]*## (.*)/  make \1\t\2/' | expand -t 20

run: build certs ## build and serve https://127.0.0.1:8443 with the built-in policies and a sample cluster
	@exec $(portcullis) serve --listen $(listen) --tls-cert certs/tls.crt --tls-key certs/tls.key --inventory $(inventory)

# Swift's own libraries go into the program: its calls into them, of which counting references is most, are then direct, and
# `Benchmarks/throughput` shows a quarter more for it. The system's libraries, OpenSSL among them, stay the system's. Optimizing
# across modules and leaving out the checks for exclusive access at run time, which debug builds and all tests have, gives a few
# percent more.
build: dependencies ## build .build/release/portcullis
	@swift build --configuration release --static-swift-stdlib --product $(product) \
	  -Xswiftc -cross-module-optimization -Xswiftc -enforce-exclusivity=unchecked

# One after the other: many of them wait for what takes time, and beside others that keep every core busy they would wait for those.
test: dependencies ## build and run every test
	@swift test --disable-xctest --no-parallel

e2e: dependencies ## build, and run Portcullis in a real control plane, which is built when it is not there
	@swift build --product portcullis
	@control_plane=$$(scripts/build-control-plane) && Tests/EndToEnd/run --control-plane "$$control_plane" --portcullis .build/debug/portcullis $(E2E)

image: build ## assemble .build/image/portcullis.tar, an OCI archive, from Debian packages, without a container engine
	@scripts/build-image $(portcullis)

bench: build ## measure the release server beside nginx
	@Benchmarks/throughput --portcullis $(portcullis)

reference: dependencies ## write docs/builtins.md from the builtins' declarations
	@swift run --quiet portcullis capabilities --format markdown >docs/builtins.md.new && mv docs/builtins.md.new docs/builtins.md

certs: certs/tls.crt ## make a CA and a server certificate for this machine in certs/, where there are none

certs/tls.crt: | build
	@$(portcullis) certs --out certs >/dev/null

dependencies:
	@scripts/install-dependencies
