// Command npm assembles the npm package: it has the post-linker divide the module and make it smaller, writes what is
// made from the build (build-info.js and THIRD_PARTY_NOTICES), makes one script of all, and sums it
// up in integrity.json. Its argument is the folder of the package, in which everything else is already.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"open-payments-wasm/wasm/postlink"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("npm: ")
	var b build
	flag.StringVar(&b.tags, "tags", "", "the Go build tags of the module, separated by commas")
	flag.BoolVar(&b.isProfile, "profile", false, "make a module that says which functions ran")
	flag.BoolVar(&b.isPlain, "plain", false, "leave the module as Go's linker wrote it: one file, larger and slower to start")
	off := flag.String("off", "", "passes of the post-linker to leave out, separated by commas: "+strings.Join(postlink.PassNames(), ", "))
	flag.StringVar(&b.why, "why", "", "say why a function is in the primary, the embedded or the deferred module, instead of the report")
	flag.Parse()
	b.folder = flag.Arg(0)
	if *off != "" {
		b.off = strings.Split(*off, ",")
	}
	if err := b.run(); err != nil {
		log.Fatal(err)
	}
}

// build is what the package is assembled of.
type build struct {
	folder, tags, why  string
	off                []string
	isProfile, isPlain bool
}

func (b build) run() error {
	if !b.isPlain {
		if err := b.link(); err != nil {
			return fmt.Errorf("%w; meanwhile PLAIN=yes ./build.sh builds a plain module, larger and slower to start but otherwise the same", err)
		}
	}
	linked, err := listLinked("./wasm", b.tags)
	if err != nil {
		return err
	}
	notices, err := thirdPartyNotices(linked)
	if err != nil {
		return err
	}
	info, err := buildInfo(b.folder, linked)
	if err != nil {
		return err
	}
	if err := write(b.folder, "THIRD_PARTY_NOTICES", notices); err != nil {
		return err
	}
	if err := write(b.folder, "build-info.js", info); err != nil {
		return err
	}
	if err := bundle(b.folder, b.tags); err != nil {
		return err
	}
	sums, err := integrity(b.folder)
	if err != nil {
		return err
	}
	return write(b.folder, "integrity.json", sums)
}

// The files of the two modules.
const (
	primaryFile  = "open-payments.wasm"
	deferredFile = "open-payments.deferred.wasm"
)

// unusedTables are constants that Go's linker cannot know to be unused: nothing here signs with P-256, encrypts with AES, or
// looks up names of hosts in all scripts. All functions of their packages are deferred, and so may they be. As they hardly
// compress, they would be a sixth of what a page downloads.
var unusedTables = []string{
	"nistec.p256PrecomputedEmbed", "aes.te0", "aes.te1", "aes.te2", "aes.te3", "aes.td0", "aes.td1", "aes.td2", "aes.td3", "aes.sbox0", "aes.sbox1",
	"idna.idnaSparseValues", "norm.nfcSparseValues", "norm.nfkcSparseValues", "bidi.bidiValues",
}

// link makes the primary and the deferred module of what Go's linker wrote, or says why it cannot.
func (b build) link() error {
	module, err := os.ReadFile(filepath.Join(b.folder, primaryFile))
	if err != nil {
		return err
	}
	keep, err := keepList(strings.Split(b.tags, ","))
	if err != nil {
		return err
	}
	early := strings.Fields(earlyNames)
	if b.isProfile {
		keep, early = postlink.KeepList{}, nil // they may be what is to be renewed
	}
	names, err := postlink.FunctionNames(module)
	if err != nil {
		return err
	}
	if err := checkLists(keep, early, names); err != nil {
		return fmt.Errorf("%w: take them out, or make profile", err)
	}
	linked, err := postlink.Link(module, postlink.Options{
		Off: b.off, Keep: keep, Early: early, Tables: unusedTables, Profile: b.isProfile, Start: postlink.Start{Ready: true},
	})
	if err != nil {
		return err
	}
	said := linked.Report.String()
	if b.why != "" {
		if said, err = linked.Why(b.why); err != nil {
			return err
		}
	}
	fmt.Fprint(os.Stderr, said)
	if err := write(b.folder, primaryFile, linked.Primary); err != nil || linked.Deferred == nil {
		return err
	}
	return write(b.folder, deferredFile, linked.Deferred)
}

func write(folder, name string, content []byte) error {
	return os.WriteFile(filepath.Join(folder, name), content, 0o644)
}
