// Package image writes a folder as one EROFS image: a read-only file system in
// one file that the kernel mounts without unpacking.
//
// It promises that equal folders give equal bytes whatever their times and the
// order of their entries, that nothing outside the folder is read (no symbolic
// link is followed), and that at most one file is open at a time, which
// go-erofs by itself does not. Start with Write.
package image

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/erofs/go-erofs"
)

// Epoch is the time that every file of an image has unless told otherwise: the
// one that reproducible archives use (1980-01-01 and a second, which ZIP can hold).
var Epoch = time.Unix(315532801, 0)

// ErrTooMany is the error for a folder with more than Options.MaxFiles entries.
var ErrTooMany = errors.New("too many files")

// Options say what goes into an image.
type Options struct {
	Owner     *Owner    // of everything; nil: as in the folder
	Time      time.Time // of everything, to the second; zero: Epoch
	KeepTimes bool      // files keep their own times instead
	MaxFiles  int       // entries of every kind; 0: not limited

	// Skip, if set, leaves out an entry and what is below it. name is relative,
	// with slashes.
	Skip func(name string) bool

	// Special decides on devices, sockets and FIFOs: its error ends the writing,
	// and nil leaves the entry out. nil: they are left out.
	Special func(name string, mode fs.FileMode) error

	// Tee, if set, is told of everything that goes into the image, in the order in
	// which it is read.
	Tee Tee
}

// Owner is a user and a group.
type Owner struct{ UID, GID uint32 }

// Tee sees what is written: a file's entry comes just before its content.
type Tee interface {
	Entry(name, target string, info fs.FileInfo) error
	io.Writer
}

// Stats describe what was written.
type Stats struct {
	Files int   // entries that are not folders
	Bytes int64 // content of regular files
}

// Write writes the folder that dir has open to out.
func Write(out io.WriteSeeker, dir *os.File, o Options) (Stats, error) {
	if o.Time.IsZero() {
		o.Time = Epoch
	}
	src := &tree{root: dir, Options: o, subfolders: map[string]uint32{}}
	buffered := &seekBuffer{out: out}
	w := erofs.Create(buffered, erofs.WithBuildTime(uint64(o.Time.Unix()), 0))
	if err := w.CopyFrom(src); err != nil {
		return Stats{}, fmt.Errorf("read folder: %w", err)
	}
	for name, n := range src.subfolders {
		if err := w.SetNlink(name, 2+n); err != nil {
			return Stats{}, fmt.Errorf("count links: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return Stats{}, fmt.Errorf("write image: %w", err)
	}
	if err := buffered.flush(); err != nil {
		return Stats{}, fmt.Errorf("write image: %w", err)
	}
	return src.stats, nil
}

// seekBuffer gathers the many small writes of an image into large ones.
type seekBuffer struct {
	out io.WriteSeeker
	buf []byte
}

const seekBufferSize = 1 << 20

func (b *seekBuffer) Write(p []byte) (int, error) {
	if len(b.buf)+len(p) > seekBufferSize {
		if err := b.flush(); err != nil {
			return 0, err
		}
	}
	if len(p) >= seekBufferSize {
		return b.out.Write(p)
	}
	b.buf = append(b.buf, p...)
	return len(p), nil
}

func (b *seekBuffer) Seek(offset int64, whence int) (int64, error) {
	if err := b.flush(); err != nil {
		return 0, err
	}
	return b.out.Seek(offset, whence)
}

func (b *seekBuffer) flush() error {
	_, err := b.out.Write(b.buf)
	b.buf = b.buf[:0]
	return err
}
