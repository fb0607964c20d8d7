package golang

import (
	"maps"
	"path"
	"slices"
	"strings"
)

// AsksFor returns what a program asks for by calling a function, such as "the clock", or "" for what does not depend on when and
// where it is called.
func AsksFor(name string) string { return asksFor[name] }

var asksFor = map[string]string{
	"gojs.runtime.nanotime1":     "the clock",
	"gojs.runtime.walltime":      "the clock",
	"gojs.runtime.getRandomData": "random numbers",
	"runtime.rand":               "random numbers", // of a generator that was seeded before
	"runtime.cheaprand":          "random numbers",
	"runtime.cheaprand64":        "random numbers",
	"runtime.cheaprandn":         "random numbers",
	"runtime.fastrand":           "random numbers",
	"runtime.fastrand64":         "random numbers",
	"runtime.fastrandn":          "random numbers",
}

// AsksForCallers tells whether a function asks on behalf of its callers.
func AsksForCallers(name string) bool { return matchesAny(asksForCallers, name) }

var asksForCallers = []string{
	"runtime.nanotime1", "runtime.nanotime", "runtime.walltime", "runtime.getRandomData", "runtime.rand", "runtime.randn",
	"runtime.cheaprand", "runtime.cheaprand64", "runtime.cheaprandn", "runtime.fastrand", "runtime.fastrand64", "runtime.fastrandn",
	"time.now", "time.Now", "time.runtimeNow", "time.runtimeNano", "internal_sync.runtime_nanotime", "sync.runtime_nanotime",
	"syscall.now", "crypto_internal_sysrand.*",
}

// MayAsk tells whether a function may ask while a program starts, though each instance of a snapshot gets the same response.
func MayAsk(name string) bool { return matchesAny(slices.Collect(maps.Keys(mayAsk)), name) }

// mayAsk has patterns of those functions, each with its reason.
var mayAsk = map[string]string{
	"runtime.*":                     "renews what it holds: its generators get seeds, and its clock goes on",
	"internal_runtime_maps.*":       "the seeds of maps, which spread keys and are no secret",
	"internal_sync.__HashTrieMap_*": "the same",
	"unique.newCanonMap*":           "the same",
	"time.init":                     "where the monotonic clock begins: any time before the first call will do",
}

// PullsRandom tells whether the source of a function calls runtime.rand.
func PullsRandom(name string) bool {
	return slices.ContainsFunc(pullRandom, func(start string) bool { return strings.HasPrefix(name, start) })
}

// pullRandom has the beginnings of names of functions whose source calls runtime.rand. In all other functions the
// compiler put the call there, for the seed of a map.
var pullRandom = []string{"math/rand", "hash/maphash", "os.", "net.", "math_rand", "hash_maphash"}

func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		isMatch, _ := path.Match(pattern, name)
		return isMatch
	})
}
