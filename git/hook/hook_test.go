package hook

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	none = "0000000000000000000000000000000000000000"
	some = "1111111111111111111111111111111111111111"
)

func TestARequestArrivesAsItWasSent(t *testing.T) {
	var wire bytes.Buffer
	err := Send(&wire, Request{Quarantine: "/repo/objects/incoming-x"}, strings.NewReader(none+" "+some+" refs/heads/a b\n"+some+" "+none+" refs/heads/main\n"))
	if err != nil {
		t.Fatal(err)
	}
	r, updates, err := Receive(&wire)
	want := []Update{{none, some, "refs/heads/a b"}, {some, none, "refs/heads/main"}}
	if err != nil || r.Quarantine != "/repo/objects/incoming-x" || !cmp.Equal(updates, want) {
		t.Errorf("%+v %+v %v", r, updates, err)
	}
	if updates[0].Deletes() || !updates[1].Deletes() {
		t.Error("a deletion is not known as one")
	}
}

func TestAnAnswerIsCopiedAndEndsWithItsStatus(t *testing.T) {
	var wire, got bytes.Buffer
	a := Answer{Conn: &wire}
	text := strings.Repeat("line\n", 20_000)
	if _, err := io.WriteString(a, text); err != nil {
		t.Fatal(err)
	}
	if err := a.Exit(3); err != nil {
		t.Fatal(err)
	}
	whole := wire.Bytes()
	if code, err := Copy(&got, bytes.NewReader(whole)); err != nil || code != 3 || got.String() != text {
		t.Errorf("%d %v, %d bytes", code, err, got.Len())
	}
	if _, err := Copy(io.Discard, bytes.NewReader(whole[:len(whole)-1])); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut: %v", err)
	}
}

func FuzzReceive(f *testing.F) {
	f.Add([]byte("kigo-hook 1 /q\n" + none + " " + some + " refs/heads/main\n\n"))
	f.Add([]byte("kigo-hook 1 \n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, updates, err := Receive(bytes.NewReader(data))
		for _, u := range updates {
			if err == nil && (!ValidID(u.Old) || !ValidID(u.New) || u.Ref == "") {
				t.Errorf("accepted %+v", u)
			}
		}
	})
}

func FuzzCopy(f *testing.F) {
	f.Add([]byte("o\x00\x00\x00\x01ax\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		code, err := Copy(io.Discard, bytes.NewReader(data))
		if err == nil && (code < 0 || code > 255) {
			t.Errorf("status %d", code)
		}
	})
}
