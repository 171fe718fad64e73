package sshd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/dyno"
)

// visitor is one authenticated connection.
type visitor struct {
	server   *Server
	grant    Grant
	admitted atomic.Bool // something was begun
}

// open answers the wish for a channel.
func (v *visitor) open(ctx context.Context, ch ssh.NewChannel) {
	refused := v.server.Check(ctx, v.grant) // each time: what it may can end while it is connected
	if refused == nil {
		v.admitted.Store(true)
	}
	switch {
	case refused != nil && ch.ChannelType() != "session":
		_ = ch.Reject(ssh.Prohibited, told(refused))
	case ch.ChannelType() == "session":
		channel, requests, err := ch.Accept()
		if err != nil {
			return
		}
		(&session{visitor: v, refused: refused, channel: channel, env: map[string]string{}}).run(ctx, requests)
	case ch.ChannelType() == "direct-tcpip":
		v.forward(ctx, ch)
	default:
		_ = ch.Reject(ssh.UnknownChannelType, "this server has sessions and direct-tcpip")
	}
}

// told is an error as its user may see it.
func told(err error) string {
	if e, ours := kigo.AsError(err); ours {
		return e.Message
	}
	return "the dyno cannot be reached"
}

const dialTime = 20 * time.Second

// forward connects a channel to an address, from inside the dyno.
func (v *visitor) forward(ctx context.Context, ch ssh.NewChannel) {
	var to struct {
		Host       string
		Port       uint32
		OriginHost string
		OriginPort uint32
	}
	if err := ssh.Unmarshal(ch.ExtraData(), &to); err != nil {
		_ = ch.Reject(ssh.ConnectionFailed, "the request cannot be read")
		return
	}
	dialing, cancel := context.WithTimeout(ctx, dialTime)
	conn, err := v.server.Dynos.Dial(dialing, v.grant.Dyno, to.Host, int(to.Port))
	cancel()
	if err != nil {
		why := fmt.Sprintf("the dyno cannot connect to %s port %d", to.Host, to.Port)
		if e, ours := kigo.AsError(err); ours {
			why = e.Message
		}
		_ = ch.Reject(ssh.ConnectionFailed, why)
		return
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	channel, requests, err := ch.Accept()
	if err != nil {
		return
	}
	defer func() { _ = channel.Close() }()
	go ssh.DiscardRequests(requests)
	back := make(chan struct{})
	go func() {
		defer close(back)
		_, _ = io.Copy(channel, conn)
		_ = channel.CloseWrite()
	}()
	_, _ = io.Copy(conn, channel)
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	<-back
}

// session is one channel that runs a command, a shell or the file program.
type session struct {
	*visitor
	refused error // why it may not do anything; nil: it may
	channel ssh.Channel
	env     map[string]string
	tty     *kigo.TTY

	mu    sync.Mutex
	guest *dyno.Guest // once it runs
	size  *kigo.TTY   // what the terminal became before that
	ended bool        // the client has closed the channel
}

// run answers the session's requests until the client closes it.
func (s *session) run(ctx context.Context, requests <-chan *ssh.Request) {
	var wg sync.WaitGroup
	begun := false
	for r := range requests {
		fine := true
		switch r.Type {
		case "pty-req":
			fine = !begun && s.terminal(r.Payload)
		case "env":
			fine = !begun && s.setenv(r.Payload)
		case "window-change":
			s.resize(r.Payload)
		case "shell", "exec", "subsystem":
			var want dyno.Visitor
			if want, fine = s.wanted(r); fine && !begun {
				begun = true
				wg.Go(func() { s.play(ctx, want) })
			} else {
				fine = false
			}
		default:
			fine = false
		}
		if r.WantReply {
			_ = r.Reply(fine, nil)
		}
	}
	s.mu.Lock()
	s.ended = true
	if s.guest != nil {
		_ = s.guest.Close()
	}
	s.mu.Unlock()
	wg.Wait()
	_ = s.channel.Close()
}

// wanted says what a request starts.
func (s *session) wanted(r *ssh.Request) (v dyno.Visitor, fine bool) {
	var text struct{ Value string }
	if r.Type != "shell" && ssh.Unmarshal(r.Payload, &text) != nil {
		return v, false
	}
	v = dyno.Visitor{Command: text.Value, Env: s.env, TTY: s.tty}
	switch r.Type {
	case "subsystem":
		v.Program, v.TTY = s.server.Files, nil
		return v, text.Value == "sftp" && len(v.Program) > 0
	case "shell":
		v.Command = "bash"
		if s.tty == nil {
			v.Command = "bash -s"
		}
	}
	return v, strings.TrimSpace(v.Command) != ""
}

// play runs the command and carries its input and output.
func (s *session) play(ctx context.Context, want dyno.Visitor) {
	guest, err := s.enter(ctx, want)
	if err != nil {
		s.say(told(err))
		s.tell(1)
		_ = s.channel.Close()
		return
	}
	in := &input{Reader: s.channel, ended: make(chan struct{})}
	go func() {
		_, _ = io.Copy(guest, in)
		_ = guest.CloseWrite()
		_, _ = io.Copy(io.Discard, in)
	}()
	if _, err := io.Copy(s.channel, guest); err != nil && !errors.Is(err, io.EOF) {
		_ = guest.Close()
	}
	status := guest.Wait()
	if why := guest.Gone(); why != "" {
		s.say(why + ".")
	}
	if status < 0 {
		status = 255
	}
	s.tell(status)
	if want.TTY != nil && want.Env["TERM"] == officialTerm {
		select {
		case <-in.ended:
		case <-ctx.Done():
		case <-time.After(cmp.Or(s.server.Farewell, farewell)):
		}
	}
	_ = s.channel.Close()
}

// farewell is how long the official client has to say that its input has ended: it does so
// by a byte when its own input is no terminal, and fails when the channel is closed by then.
const farewell = 300 * time.Millisecond

// officialTerm is the terminal that it asks for, whatever its own is.
const officialTerm = "vt100"

// eot is that byte.
const eot = 0x04

// input is what the client sends, and when it said its end.
type input struct {
	io.Reader
	once  sync.Once
	ended chan struct{}
}

func (i *input) Read(p []byte) (int, error) {
	n, err := i.Reader.Read(p)
	if err != nil || n > 0 && p[n-1] == eot {
		i.once.Do(func() { close(i.ended) })
	}
	return n, err
}

func (s *session) enter(ctx context.Context, want dyno.Visitor) (*dyno.Guest, error) {
	if s.refused != nil {
		return nil, s.refused
	}
	guest, err := s.server.Dynos.Exec(ctx, s.grant.Dyno, want)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { _ = guest.Close() })
	s.mu.Lock()
	defer s.mu.Unlock()
	s.guest = guest
	if s.size != nil {
		guest.Resize(*s.size)
	}
	if s.ended {
		_ = guest.Close()
	}
	return guest, nil
}

// say writes to the person, on a line of its own.
func (s *session) say(text string) {
	if s.tty != nil {
		_, _ = io.WriteString(s.channel, "\r\n"+text+"\r\n")
		return
	}
	_, _ = io.WriteString(s.channel.Stderr(), text+"\n")
}

// tell sends the exit status.
func (s *session) tell(status int) {
	_, _ = s.channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{uint32(status)}))
}

func (s *session) terminal(payload []byte) bool {
	var t struct {
		Term                      string
		Cols, Rows, Width, Height uint32
		Modes                     string
	}
	if ssh.Unmarshal(payload, &t) != nil {
		return false
	}
	s.tty = &kigo.TTY{Rows: dimension(t.Rows, 24), Cols: dimension(t.Cols, 80)}
	if term.MatchString(t.Term) {
		s.env["TERM"] = t.Term
	}
	s.env["LINES"], s.env["COLUMNS"] = strconv.Itoa(s.tty.Rows), strconv.Itoa(s.tty.Cols)
	return true
}

func (s *session) resize(payload []byte) {
	var t struct{ Cols, Rows, Width, Height uint32 }
	if ssh.Unmarshal(payload, &t) != nil {
		return
	}
	size := kigo.TTY{Rows: dimension(t.Rows, 24), Cols: dimension(t.Cols, 80)}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.guest == nil:
		s.size = &size
	case s.tty != nil:
		s.guest.Resize(size)
	}
}

func dimension(n uint32, otherwise int) int {
	if n < 1 || n > 1000 {
		return otherwise
	}
	return int(n)
}

var (
	term   = regexp.MustCompile(`^[A-Za-z0-9._+-]{1,64}$`)
	locale = regexp.MustCompile(`^(LANG|LC_[A-Z]+)$`)
)

// setenv takes the client's language; the rest is the dyno's own affair.
func (s *session) setenv(payload []byte) bool {
	var v struct{ Name, Value string }
	if ssh.Unmarshal(payload, &v) != nil || !locale.MatchString(v.Name) || !term.MatchString(v.Value) {
		return false
	}
	s.env[v.Name] = v.Value
	return true
}
