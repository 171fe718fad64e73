package drain

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	common "go.opentelemetry.io/proto/otlp/common/v1"
	otlp "go.opentelemetry.io/proto/otlp/logs/v1"
	"google.golang.org/protobuf/proto"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/telemetry"
)

// records sends frames as log records of OpenTelemetry.
type records struct {
	client *http.Client
	to     kigo.Exporter
	app    kigo.App
}

// frame makes one message of lines; lost ones are told first.
func (r *records) frame(lines []kigo.LogLine, lost loss, _ []byte) *frame {
	all := make([]*otlp.LogRecord, 0, len(lines)+1)
	if lost.N > 0 {
		line := lost.line()
		all = append(all, record(&line))
	}
	for i := range lines {
		all = append(all, record(&lines[i]))
	}
	data := &otlp.LogsData{ResourceLogs: []*otlp.ResourceLogs{{
		Resource:  telemetry.Resource(r.app),
		ScopeLogs: []*otlp.ScopeLogs{{Scope: &common.InstrumentationScope{Name: "kigo"}, LogRecords: all}},
	}}}
	body, err := proto.Marshal(data)
	if err != nil { // text that is not UTF-8: the hub lets none through
		panic(err)
	}
	return &frame{ID: newFrameID(), Count: len(all), Told: lost.N, Body: body}
}

func record(l *kigo.LogLine) *otlp.LogRecord {
	severity, name := otlp.SeverityNumber_SEVERITY_NUMBER_INFO, "INFO"
	if l.Source != "app" && strings.HasPrefix(l.Message, "Error ") {
		severity, name = otlp.SeverityNumber_SEVERITY_NUMBER_ERROR, "ERROR"
	}
	return &otlp.LogRecord{
		TimeUnixNano: uint64(l.Time.UnixNano()), SeverityNumber: severity, SeverityText: name, Body: value(l.Message),
		Attributes: []*common.KeyValue{{Key: "kigo.source", Value: value(l.Source)}, {Key: "kigo.process", Value: value(l.Process)}},
	}
}

func value(s string) *common.AnyValue {
	return &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: strings.ToValidUTF8(s, "\uFFFD")}}
}

func (r *records) send(ctx context.Context, f *frame) error {
	req, err := telemetry.Request(ctx, r.to, "/v1/logs", f.Body)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, maxAnswer) // the status is the answer
	if resp.StatusCode/100 != 2 {
		return refusal{resp.StatusCode}
	}
	return nil
}

func (r *records) done() bool { return false }

func (r *records) close() {}
