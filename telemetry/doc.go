// Package telemetry sends apps' metrics to consumers of OpenTelemetry, over HTTP in
// its own protocol (OTLP).
//
// It owns the time up to which a telemetry drain has sent. It promises that each
// minute is sent in full, in order and once the consumer has taken it not again;
// what is older than the history keeps is given up. Log lines go by logplex/drain,
// with its promises.
//
// Start reading at loop.go; otlp.go is the form.
package telemetry
