package signedhttp

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

type inner struct {
	Text string          `json:"text,omitempty"`
	Raw2 json.RawMessage `json:"raw,omitempty"`
}

type outer struct {
	Text, Untagged string
	Number         int             `json:"number"`
	Long           int64           `json:"long,omitempty"`
	Yes            bool            `json:"yes,omitempty"`
	Inner          inner           `json:"inner"`
	Pointer        *inner          `json:"pointer,omitempty"`
	Null           *inner          `json:"null"`
	Items          []string        `json:"items,omitempty"`
	Nested         [][]inner       `json:"nested"`
	Any            any             `json:"any,omitempty"`
	JSON           json.RawMessage `json:"json"`
	Time           *time.Time      `json:"time,omitempty"`
	Left           string          `json:"-"`
	hidden         int
}

// randomText has everything that is written in some way of its own.
func randomText(r *rand.Rand) string {
	letters := []string{
		"a", `"`, `\`, "\x00", "\x1f", "\b", "\f", "\n", "\r", "\t", "\v", "<", "&", "\u2028", "\u2029", "\ufffd", "\xff", "\xc3", "é", "🙂", "\x7f",
	}
	text := ""
	for range r.IntN(8) {
		text += letters[r.IntN(len(letters))]
	}
	return text
}

func randomOuter(r *rand.Rand) outer {
	o := outer{Text: randomText(r), Untagged: randomText(r), Number: r.IntN(5) - 2, Long: r.Int64() >> (11 + r.IntN(52)), Yes: r.IntN(2) > 0, hidden: 1}
	o.Inner = inner{randomText(r), json.RawMessage(` { "a" : [ 1 , "<  >" ] } `)}
	if r.IntN(2) > 0 {
		o.Pointer, o.Any, o.JSON = &inner{Text: randomText(r)}, randomText(r), json.RawMessage(`[ ]`)
		at := time.Unix(r.Int64N(200_000_000_000)-30_000_000_000, 0).UTC()
		o.Time = &at
	}
	for range r.IntN(3) {
		o.Items = append(o.Items, randomText(r))
		o.Nested = append(o.Nested, []inner{{}, o.Inner}, nil, []inner{})
	}
	return o
}

func TestWhatMarshalWritesItselfIsWhatTheEncoderWrites(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		message := randomOuter(r)
		for _, value := range []any{message, &message, []outer{message}, message.Text, message.Items, message.Any} {
			got, isWritten := appendValue(nil, reflect.ValueOf(value), 0)
			want, err := marshalAny(value)
			if !isWritten || err != nil || string(got) != string(want) {
				t.Fatalf("%t, got  %q\nwant %q (%v)", isWritten, got, want, err)
			}
		}
	}
}

type ownForm struct{ inner }

func (*ownForm) MarshalJSON() ([]byte, error) { return []byte(`"own"`), nil }

type inText string

func (inText) MarshalText() ([]byte, error) { return []byte("own"), nil }

type recursive struct {
	Next *recursive
	List []any
}

func TestMarshalLeavesTheRestToTheEncoder(t *testing.T) {
	circle := &recursive{}
	circle.Next = circle
	circle.List = []any{circle}
	for _, value := range []any{
		[]byte("bytes"), map[string]int{"a": 1}, 0.5, uint8(1), json.Number("1"), inText("a"), []any{inText("a")}, &ownForm{}, []ownForm{{}},
		struct{ inner }{}, struct {
			A int `json:",string"`
		}{}, struct {
			A int `json:"a,omitzero"`
		}{}, time.Now(), json.RawMessage("{"), circle, make(chan int),
	} {
		if IsPlain(value) {
			text, _ := Marshal(value)
			t.Errorf("%T became %s", value, text)
		}
		got, err := Marshal(value)
		want, wantErr := marshalAny(value)
		if string(got) != string(want) || fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Errorf("%T: got %s (%v), want %s (%v)", value, got, err, want, wantErr)
		}
	}
}

func TestWhatIsWrittenIsReadAgain(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		message := randomOuter(r)
		text, err := Marshal(message)
		var got outer
		if !Unmarshal(text, &got) || err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if again, _ := Marshal(got); string(again) != string(text) {
			t.Fatalf("got  %s\nwant %s", again, text)
		}
	}
}

func TestUnmarshalSaysWhatIsOfAnotherType(t *testing.T) {
	for _, text := range []string{
		"", "null", "[]", `{"number":"1"}`, `{"yes":0}`, `{"inner":[]}`, `{"pointer":1}`, `{"items":{}}`, `{"items":[1]}`, `{"Text":1}`, `{"nested":[1]}`,
	} {
		if Unmarshal(json.RawMessage(text), &outer{}) {
			t.Errorf("%s fits", text)
		}
	}
	var exact outer
	text := `{"text":"no","Text":"a","Text":"b","number":2.0,"pointer":null,"more":1}`
	if !Unmarshal(json.RawMessage(text), &exact) || exact.Text != "b" || exact.Number != 2 {
		t.Errorf("%+v", exact)
	}
}

func TestTimesAreThoseOfRFC3339(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	layouts := []string{time.RFC3339, time.RFC3339Nano, "2006-01-02T15:04:05.000Z07:00"}
	for range 3000 {
		zone := time.FixedZone("", (r.IntN(48)-24)*1800+r.IntN(60)*60/2*2%3600)
		at := time.Unix(r.Int64N(250_000_000_000)-62_000_000_000, r.Int64N(1e9)).In(zone)
		text := at.Format(layouts[r.IntN(len(layouts))])
		want, err := time.Parse(time.RFC3339, text)
		if err != nil {
			continue // the year has five digits, or the offset a day
		}
		if got, isTime := ParseTime(text); !isTime || !got.Equal(want) {
			t.Fatalf("%s: got %v (%t), want %v", text, got, isTime, want)
		}
		damaged := []byte(text)
		damaged[r.IntN(len(damaged))] = "0123456789-+:.TZ x"[r.IntN(18)]
		want, err = time.Parse(time.RFC3339, string(damaged))
		if got, isTime := ParseTime(string(damaged)); isTime && (err != nil || !got.Equal(want)) || !isTime && err == nil && !isLenient(string(damaged)) {
			t.Fatalf("%s: got %v (%t), want %v (%v)", damaged, got, isTime, want, err)
		}
	}
	for _, text := range []string{
		"", "2026-01-01", "2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
		"2026-01-00T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00.Z",
		"2026-01-01T00:00:00z", "2026-01-01t00:00:00Z", "2026-01-01T00:00:00ZZ", "2026-01-01T00:00:00+1:00", "2026-01-01T00:00:00+24:00",
		"2026-01-01 00:00:00Z",
	} {
		if got, isTime := ParseTime(text); isTime || !got.IsZero() {
			t.Errorf("%q is %v", text, got)
		}
	}
	if got, isTime := ParseTime("2000-02-29T23:59:59.123456789123Z"); !isTime || got.Format(time.RFC3339Nano) != "2000-02-29T23:59:59.123456789Z" {
		t.Error(got)
	}
}

// isLenient tells of what package time takes, and RFC 3339 does not have: offsets of 24 hours or of
// 60 minutes.
func isLenient(text string) bool {
	return len(text) > 6 && (text[len(text)-6] == '+' || text[len(text)-6] == '-') && (text[len(text)-5:] >= "24" || text[len(text)-2:] >= "60")
}

func TestAddMonths(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		at := time.Unix(random.Int64N(8_000_000_000)-2_000_000_000, random.Int64N(1_000_000_000)).UTC()
		months := random.IntN(600) - 300
		last := time.Date(at.Year(), at.Month()+time.Month(months)+1, 0, 0, 0, 0, 0, time.UTC).Day()
		want := at.AddDate(0, months, min(at.Day(), last)-at.Day())
		if got := AddMonths(at, months); !got.Equal(want) {
			t.Fatalf("%d months after %v: got %v, want %v", months, at, got, want)
		}
	}
}
