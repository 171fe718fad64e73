package router

import (
	"bytes"
	"html"
	"strconv"
	"time"
)

// Code is one of Heroku's routing errors. The table below is the only place
// where they are; docs are made from it.
type Code struct {
	Name   string // "H12"
	Desc   string // in the line and in documentation
	Status int    // sent to the client; 499: nobody is there to read one
	Level  string // at=…
	Sock   string // sock=…
	page   pageKind
	When   string // what makes the router say it
	number int    // in Codes
}

type pageKind int

const (
	pageNone pageKind = iota
	pageError
	pageMaintenance
	pageBlank
	pagePlain // one line of text, for clients that broke a rule
)

var (
	h10 = &Code{"H10", "App crashed", 503, "error", "", pageError, "all web dynos have crashed", 0}
	h11 = &Code{"H11", "Backlog too deep", 503, "error", "", pageError, "more than 200 requests per web dyno are outstanding", 0}
	h12 = &Code{"H12", "Request timeout", 503, "error", "", pageError, "no byte of a response within 30 s of the whole request", 0}
	h13 = &Code{"H13", "Connection closed without response", 503, "error", "", pageError, "the dyno took the request and closed the connection", 0}
	h14 = &Code{"H14", "No web processes running", 503, "error", "", pageError, "web is scaled to 0", 0}
	h15 = &Code{"H15", "Idle connection", 503, "error", "", pageError, "55 s without a byte in either direction, after a response began", 0}
	h17 = &Code{"H17", "Poorly formatted HTTP response", 503, "error", "", pageError, "what the dyno answered is not HTTP/1", 0}
	h18 = &Code{"H18", "Server Request Interrupted", 503, "error", "backend", pageError, "the dyno broke off in the middle of a response or before it had the request", 0}
	h19 = &Code{"H19", "Backend connection timeout", 503, "error", "", pageError, "no dyno accepted a connection within 5 s", 0}
	h20 = &Code{"H20", "App boot timeout", 503, "error", "", pageError, "no dyno was up within 75 s", 0}
	h21 = &Code{"H21", "Backend connection refused", 503, "error", "", pageError, "all dynos refused a connection", 0}
	h22 = &Code{"H22", "Connection limit reached", 503, "error", "", pageError, "the app holds as many upgraded connections as it may", 0}
	h23 = &Code{"H23", "Endpoint misconfigured", 503, "error", "", pageError, "a WebSocket handshake without Upgrade, lost in a proxy before us", 0}
	h24 = &Code{"H24", "Forced close", 503, "error", "", pageError, "the router ended before the request did", 0}
	h25 = &Code{"H25", "HTTP restriction", 502, "error", "", pageError, "the response breaks a limit", 0}
	h26 = &Code{"H26", "Request Error", 400, "error", "", pagePlain, "the request breaks a rule of HTTP", 0}
	h27 = &Code{"H27", "Client Request Interrupted", 499, "warning", "client", pageNone, "the client went away before it had the response", 0}
	h28 = &Code{"H28", "Client Connection Idle", 499, "warning", "client", pageNone, "55 s without a byte from a client that should send, or take, some", 0}
	h31 = &Code{"H31", "Misdirected Request", 421, "error", "", pagePlain, "the TLS name leads to another app than Host", 0}
	h80 = &Code{"H80", "Maintenance mode", 503, "info", "", pageMaintenance, "maintenance mode is on", 0}
	h81 = &Code{"H81", "Blank app", 503, "info", "", pageBlank, "no code has been released", 0}
	h82 = &Code{"H82", "You've used up your dyno hour pool", 503, "info", "", pageError, "the account's dyno hours are used up", 0}
	h99 = &Code{"H99", "Platform error", 503, "error", "", pageError, "the router itself failed", 0}
)

// Codes is every code that the router can log, in order.
var Codes = []*Code{h10, h11, h12, h13, h14, h15, h17, h18, h19, h20, h21, h22, h23, h24, h25, h26, h27, h28, h31, h80, h81, h82, h99}

func init() {
	for i, c := range Codes {
		c.number = i
	}
}

const pageHead = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>%TITLE%</title>
<style>
html, body { height: 100%; margin: 0; }
body { display: flex; align-items: center; justify-content: center; font: 16px/1.5 system-ui, sans-serif; background: #f7f8fb; color: #3a3f51; }
main { max-width: 34rem; padding: 2rem; text-align: center; }
h1 { font-weight: 500; font-size: 1.6rem; }
iframe { position: fixed; inset: 0; width: 100%; height: 100%; border: 0; }
</style>
</head>
<body>
`

const pageFoot = "</body>\n</html>\n"

// page returns the body of an error answer and its media type.
func (c *Code) body(v *view, why string) (text []byte, html bool) {
	switch c.page {
	case pagePlain:
		return []byte(why + "\n"), false
	case pageBlank:
		return blankPage, true
	case pageMaintenance:
		if v != nil && v.MaintenancePage != "" {
			return framePage("Offline for Maintenance", v.MaintenancePage), true
		}
		return maintenancePage, true
	}
	if v != nil && v.ErrorPage != "" {
		return framePage("Application Error", v.ErrorPage), true
	}
	return errorPage, true
}

var (
	errorPage = textPage("Application Error", "Application error",
		"This app could not answer your request. Please try again in a few moments.",
		"If you are its owner, look at its logs: <code>heroku logs --tail</code>")
	maintenancePage = textPage("Offline for Maintenance", "Offline for maintenance",
		"This app is being worked on right now. Please check back soon.")
	blankPage = textPage("Nothing here, yet", "There's nothing here, yet.",
		"This app has been created, but no code has been deployed to it.")
	noAppPage = textPage("No such app", "There's nothing here, yet.",
		"No such app. Check the address, or create an app of this name.")
	noRoutesPage = textPage("Routes unavailable", "Routes unavailable",
		"This router has not been told of any app yet. Please try again in a few moments.")
)

func textPage(title, heading string, lines ...string) []byte {
	var b bytes.Buffer
	b.Write(bytes.ReplaceAll([]byte(pageHead), []byte("%TITLE%"), []byte(title)))
	b.WriteString("<main>\n<h1>" + heading + "</h1>\n")
	for _, l := range lines {
		b.WriteString("<p>" + l + "</p>\n")
	}
	b.WriteString("</main>\n" + pageFoot)
	return b.Bytes()
}

// framePage shows the app's own page from elsewhere, as Heroku does.
func framePage(title, url string) []byte {
	var b bytes.Buffer
	b.Write(bytes.ReplaceAll([]byte(pageHead), []byte("%TITLE%"), []byte(title)))
	b.WriteString(`<iframe src="` + html.EscapeString(url) + `"></iframe>` + "\n" + pageFoot)
	return b.Bytes()
}

// appendAnswer writes a whole answer of the router's own.
func appendAnswer(dst []byte, status int, body []byte, isHTML, head, closing bool, extra string) []byte {
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = append(dst, ' ')
	dst = append(dst, reasons[status]...)
	dst = append(dst, "\r\nDate: "...)
	dst = time.Now().UTC().AppendFormat(dst, "Mon, 02 Jan 2006 15:04:05 GMT")
	dst = append(dst, "\r\nCache-Control: no-cache, no-store\r\nContent-Type: "...)
	if isHTML {
		dst = append(dst, "text/html; charset=utf-8"...)
	} else {
		dst = append(dst, "text/plain; charset=utf-8"...)
	}
	dst = append(dst, "\r\nContent-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(body)), 10)
	dst = append(dst, "\r\n"...)
	dst = append(dst, extra...)
	if closing {
		dst = append(dst, "Connection: close\r\n"...)
	}
	dst = append(dst, viaLine...)
	dst = append(dst, "\r\n"...)
	if !head {
		dst = append(dst, body...)
	}
	return dst
}

var reasons = map[int]string{
	200: "OK", 301: "Moved Permanently", 308: "Permanent Redirect",
	400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 408: "Request Timeout", 414: "URI Too Long",
	417: "Expectation Failed", 421: "Misdirected Request", 431: "Request Header Fields Too Large", 501: "Not Implemented",
	502: "Bad Gateway", 503: "Service Unavailable", 505: "HTTP Version Not Supported",
}
