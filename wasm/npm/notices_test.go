package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestNoticesIn(t *testing.T) {
	tests := map[string]struct {
		source string
		want   []string
	}{
		"Go's own header": {"// Copyright 2009 The Go Authors. All rights reserved.\n\npackage p\n", nil},
		"up to a ruled line": {"// ====================\n// Copyright (C) 1993 by A\n//\n// Do as you like.\n// ====================\n// An algorithm.\n",
			[]string{"Copyright (C) 1993 by A\n\nDo as you like."}},
		"up to the end of the comment": {"// Some prose.\n// Copyright 1984 by B\n//   indented\nfunc f() {}\n// Another comment.\n",
			[]string{"Copyright 1984 by B\n  indented"}},
		"in a block comment": {"/*\n * Copyright (c) 2020 C\n * Free.\n */\nint x;\n", []string{"Copyright (c) 2020 C\nFree."}},
		"two of them": {"// Copyright 1 D\n// Copyright 2001 D\n\n// Copyright 2002 E\n",
			[]string{"Copyright 2001 D", "Copyright 2002 E"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := noticesIn(test.source); !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestAddLicences(t *testing.T) {
	top := t.TempDir()
	inner := filepath.Join(top, "a", "b")
	if err := os.MkdirAll(inner, 0o755); err != nil {
		t.Fatal(err)
	}
	licences := []string{filepath.Join(top, "LICENSE"), filepath.Join(top, "NOTICE.txt"), filepath.Join(top, "a", "licence.md"),
		filepath.Join(inner, "LICENSE-MIT")}
	others := []string{filepath.Join(top, "license.go"), filepath.Join(inner, "README.md")}
	for _, file := range slices.Concat(licences, others) {
		if err := os.WriteFile(file, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	files := make(map[string][]string)
	for range 2 { // a second package of the same component adds nothing
		if err := addLicences(files, "x", inner, top); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(files["x"])
	slices.Sort(licences)
	if !slices.Equal(files["x"], licences) {
		t.Errorf("got %q, want %q", files["x"], licences)
	}
	if err := addLicences(files, "x", top, inner); err == nil {
		t.Error("a folder that is not below the topmost one is accepted")
	}
}
