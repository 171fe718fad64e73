package outbound

import (
	"errors"
	"net"
)

// Class names the error of a request for whoever gave the address: without what the
// address, the platform's resolver or the receiver said.
func Class(err error) string {
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case errors.Is(err, ErrNotAllowed):
		return "DestinationNotAllowed"
	case errors.As(err, &dns):
		return "NameResolution"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "Timeout"
	}
	return "Connection"
}
