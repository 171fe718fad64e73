package mail

import "testing"

func TestBadMailServersAreRefused(t *testing.T) {
	for _, address := range []string{"", "mail.example.com", "http://mail.example.com", "smtp://", "smtp://x:y"} {
		if _, err := New(address, "kigo@example.com"); err == nil {
			t.Errorf("%q passed", address)
		}
	}
	if _, err := New("smtp://mail.example.com", "not an address"); err == nil {
		t.Error("a sender that is no address passed")
	}
}
