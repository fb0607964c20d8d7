package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

// goPackage is what `go list` says of a package that is linked into the module.
type goPackage struct {
	ImportPath, Dir string
	Standard        bool
	Module          *struct {
		Path, Version, Dir string
		Main               bool
	}
	GoFiles, SFiles, HFiles []string
}

func (p goPackage) isThirdParty() bool { return p.Module != nil && !p.Module.Main }

// listLinked lists a package and all that it imports.
func listLinked(path, tags string) ([]goPackage, error) {
	list := exec.Command("go", "list", "-deps", "-json", "-tags", tags, path)
	list.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	var linked []goPackage
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		err := decoder.Decode(&p)
		if err == io.EOF {
			return linked, nil
		}
		if err != nil {
			return nil, err
		}
		linked = append(linked, p)
	}
}

func goEnv(name string) (string, error) {
	out, err := exec.Command("go", "env", name).Output()
	return strings.TrimSpace(string(out)), err
}

// thirdPartyNotices returns the licences of everything that is linked: the licence files in and
// above the folder of each package, and the notices that some sources carry themselves.
func thirdPartyNotices(linked []goPackage) ([]byte, error) {
	goroot, err := goEnv("GOROOT")
	if err != nil {
		return nil, err
	}
	licences := make(map[string][]string)  // component → its licence files
	inSources := make(map[string][]string) // notice → the packages whose sources carry it
	for _, p := range linked {
		if !p.Standard && !p.isThirdParty() {
			continue // our own
		}
		name, top, err := component(p, goroot)
		if err != nil {
			return nil, err
		}
		if err := addLicences(licences, name, p.Dir, top); err != nil {
			return nil, err
		}
		if len(licences[name]) == 0 {
			return nil, fmt.Errorf("no licence found for %s", name)
		}
		if err := addNotices(inSources, p); err != nil {
			return nil, err
		}
	}
	return formatNotices(licences, inSources)
}

func formatNotices(licences, inSources map[string][]string) ([]byte, error) {
	var out bytes.Buffer
	out.WriteString("open-payments-wasm contains the following third-party software.\n")
	for _, name := range sorted(licences) {
		fmt.Fprintf(&out, "\n==== %s\n", name)
		slices.Sort(licences[name]) // the topmost first
		for _, file := range licences[name] {
			text, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(&out, "\n%s\n", strings.TrimSpace(string(text)))
		}
	}
	for _, notice := range sorted(inSources) {
		fmt.Fprintf(&out, "\n==== from the sources of %s\n\n%s\n", strings.Join(inSources[notice], ", "), notice)
	}
	return out.Bytes(), nil
}

// component returns the name and version of what a package belongs to, and its topmost folder.
// Go's standard library has packages of other modules in it.
func component(p goPackage, goroot string) (name, top string, err error) {
	if p.isThirdParty() {
		return p.Module.Path + " " + p.Module.Version, p.Module.Dir, nil
	}
	inside, vendored := strings.CutPrefix(p.ImportPath, "vendor/")
	if !vendored {
		return "Go " + strings.TrimPrefix(runtime.Version(), "go"), goroot, nil
	}
	vendor := filepath.Join(goroot, "src", "vendor")
	modules, err := os.ReadFile(filepath.Join(vendor, "modules.txt"))
	if err != nil {
		return "", "", err
	}
	for _, found := range regexp.MustCompile(`(?m)^# (\S+) (\S+)`).FindAllStringSubmatch(string(modules), -1) {
		if strings.HasPrefix(inside, found[1]+"/") {
			return fmt.Sprintf("%s %s, in Go's standard library", found[1], found[2]), filepath.Join(vendor, filepath.FromSlash(found[1])), nil
		}
	}
	return "", "", fmt.Errorf("%s is not in vendor/modules.txt", p.ImportPath)
}

var isLicence = regexp.MustCompile(`(?i)^(un)?(licen[sc]e|copying|notice|patents)(-[^.]*)?(\.(md|txt))?$`)

// addLicences adds the licence files of every folder from dir up to top.
func addLicences(files map[string][]string, name, dir, top string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		file := filepath.Join(dir, entry.Name())
		if entry.Type().IsRegular() && isLicence.MatchString(entry.Name()) && !slices.Contains(files[name], file) {
			files[name] = append(files[name], file)
		}
	}
	if dir == top {
		return nil
	}
	if !strings.HasPrefix(dir, top) {
		return fmt.Errorf("%s is not below %s", dir, top)
	}
	return addLicences(files, name, filepath.Dir(dir), top)
}

var (
	copyright = regexp.MustCompile(`(?i)copyright (\(c\)|©|[0-9]{4})`)
	comment   = regexp.MustCompile(`^\s*(//|/\*|\*/|\*)\s?`)
	ruled     = regexp.MustCompile(`^[=*-]{10,}$`)
)

// addNotices adds what sources say of other owners: from the line with the copyright to the end of
// the comment, or to a ruled line in it.
func addNotices(inSources map[string][]string, p goPackage) error {
	for _, file := range slices.Concat(p.GoFiles, p.SFiles, p.HFiles) {
		source, err := os.ReadFile(filepath.Join(p.Dir, file))
		if err != nil {
			return err
		}
		for _, notice := range noticesIn(string(source)) {
			if !slices.Contains(inSources[notice], p.ImportPath) {
				inSources[notice] = append(inSources[notice], p.ImportPath)
			}
		}
	}
	return nil
}

func noticesIn(source string) (notices []string) {
	var notice []string
	end := func() {
		if notice != nil {
			notices = append(notices, strings.TrimSpace(strings.Join(notice, "\n")))
		}
		notice = nil
	}
	for line := range strings.Lines(source) {
		text := strings.TrimRight(comment.ReplaceAllString(line, ""), " \t\r\n")
		if notice == nil && copyright.MatchString(line) && !strings.Contains(line, "The Go Authors") {
			notice = []string{text}
			continue
		}
		if notice == nil {
			continue
		}
		if !comment.MatchString(line) || ruled.MatchString(text) {
			end()
			continue
		}
		notice = append(notice, text)
	}
	end()
	return notices
}

func sorted(m map[string][]string) []string { return slices.Sorted(maps.Keys(m)) }
