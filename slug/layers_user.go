package slug

import (
	"io"
	"path"
	"strconv"
	"strings"
)

// userOf finds the uid and gid that the image's USER means, by its own passwd and group.
func (l *layers) userOf(user string) (uid, gid int, err error) {
	name, group, hasGroup := strings.Cut(user, ":")
	if name == "" {
		return 0, 0, nil
	}
	passwd, err := l.text("etc/passwd")
	if err != nil {
		return 0, 0, err
	}
	uid, numeric := number(name)
	found := numeric
	for line := range strings.Lines(passwd) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) < 4 || (f[0] != name && (!numeric || f[2] != name)) {
			continue
		}
		if n, ok := number(f[2]); ok {
			uid, found = n, true
			gid, _ = number(f[3])
			break
		}
	}
	if !found {
		return 0, 0, refuse("The image's USER is %q, whom its /etc/passwd does not have.", user)
	}
	if !hasGroup {
		return uid, gid, nil
	}
	if n, ok := number(group); ok {
		return uid, n, nil
	}
	groups, err := l.text("etc/group")
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(groups) {
		if f := strings.Split(strings.TrimSpace(line), ":"); len(f) >= 3 && f[0] == group {
			if n, ok := number(f[2]); ok {
				return uid, n, nil
			}
		}
	}
	return 0, 0, refuse("The image's USER is %q, whose group its /etc/group does not have.", user)
}

func number(s string) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= 0 && n <= maxImageID
}

// text reads a small file of the flattened image; empty when there is none.
func (l *layers) text(name string) (string, error) {
	dir, base := path.Split(name)
	at, err := l.find(dir)
	if err != nil {
		return "", err
	}
	e := at.children[base]
	if e == nil || e.content == nil || e.content.size > maxUserFile {
		return "", nil
	}
	var text []byte
	err = l.each(e.content.layer, func(nth int, r io.Reader) error {
		if nth == e.content.nth {
			text, err = io.ReadAll(io.LimitReader(r, maxUserFile))
		}
		return err
	})
	return string(text), err
}
