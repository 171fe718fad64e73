// Package slug makes and keeps slugs: an app's compiled folder as one read-only
// EROFS image, named by the SHA-256 of its bytes.
//
// It owns the folder of images. It promises that a digest's path always holds
// just those bytes (verified at its first use after a boot), that equal folders
// make equal images, and that no process of the host's root ever interprets what
// a tenant wrote: packing, unpacking and exporting happen in a child process
// with the app's uid, in namespaces of its own (child.go). Start with Store.Pack.
package slug

import (
	"fmt"
	"time"

	"github.com/kigo-dev/kigo"
)

// Options say how a folder becomes a slug.
type Options struct {
	// UID is the host uid and gid of the child that packs: the app's own,
	// App.UIDBase+1000. It must be able to read the folder.
	UID uint32

	// Time is what every file's modification time becomes: the build's commit time
	// is a good one, because web servers make validators of it that must change
	// from release to release. Zero: a fixed time, for digests that repeat.
	Time time.Time

	// HardLimit is the compressed size above which a slug is refused; 0: kigo.SlugHardLimit.
	HardLimit int64
}

// Validate checks the options.
func (o Options) Validate() error {
	if o.UID == 0 {
		return fmt.Errorf("pack slug: the child's uid must not be root's")
	}
	return nil
}

// AppUID is the host uid that dynos, builds and packing of an app run as.
func AppUID(uidBase uint32) uint32 { return uidBase + 1000 }

// Result describes a packed slug.
type Result struct {
	Digest    string // "sha256:…" of the image file
	ImageSize int64  // bytes of the image file
	Size      int64  // bytes as a compressed archive, the number users know
	RawSize   int64  // bytes of the files in it
	Files     int    // entries that are not folders
}

// Warning is Heroku's line for a slug above the soft limit, without its " !     "
// margin; empty for a smaller one.
func (r Result) Warning() string {
	if r.Size <= kigo.SlugSoftLimit {
		return ""
	}
	return fmt.Sprintf("Warning: Your slug size (%d MB) exceeds our soft limit (%d MB) which may affect boot time.",
		r.Size>>20, kigo.SlugSoftLimit>>20)
}

// TooLarge is the error for a slug above the hard limit, in Heroku's words. It is
// a kigo.Error for users as well (errors.Is with kigo.ErrInvalid).
type TooLarge struct{ Size, Limit int64 }

func (e *TooLarge) Error() string {
	return fmt.Sprintf("Compiled slug size: %s is too large (max is %dM).", FormatSize(e.Size), e.Limit>>20)
}

// Unwrap makes it a user's error.
func (e *TooLarge) Unwrap() error { return kigo.Invalid("%s", e.Error()) }

// FormatSize is a slug's size as build output shows it, such as "41.7M".
func FormatSize(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%.1fK", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%.1fM", float64(n)/(1<<20))
}
