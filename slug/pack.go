package slug

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/kigo-dev/kigo"
)

// Pack writes dir as an image to outFile, which it makes. It returns when the
// image is durable but for its name. What is in dir must not change meanwhile.
func Pack(ctx context.Context, dir, outFile string, o Options) (Result, error) {
	d, err := os.OpenFile(dir, os.O_RDONLY|oDirectory, 0)
	if err != nil {
		return Result{}, fmt.Errorf("pack slug: %w", err)
	}
	defer d.Close()
	return packFile(ctx, verbFolder, d, outFile, o)
}

// PackTar writes what a tar archive holds, plain or compressed by gzip, as an
// image to outFile. Heroku's slug archives are rooted at "./app"; that prefix is
// taken off, and entries outside of it are refused.
func PackTar(ctx context.Context, archive *os.File, outFile string, o Options) (Result, error) {
	return packFile(ctx, verbArchive, archive, outFile, o)
}

func packFile(ctx context.Context, verb string, in *os.File, outFile string, o Options) (Result, error) {
	if err := o.Validate(); err != nil {
		return Result{}, err
	}
	out, err := os.OpenFile(outFile, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return Result{}, fmt.Errorf("pack slug: %w", err)
	}
	defer out.Close()
	reply, err := runChild(ctx, child{verb: verb, uid: o.UID, time: o.Time, in: in, out: out})
	if err != nil {
		return Result{}, fmt.Errorf("pack slug: %w", err)
	}
	res := Result{Size: reply.Size, RawSize: reply.RawSize, Files: reply.Files}
	if err := o.checkSize(res.Size); err != nil {
		return res, err
	}
	synced := make(chan error, 1)
	go func() { synced <- out.Sync() }() // the disk has its work, and the processor its own
	res.Digest, res.ImageSize, err = digestOf(out)
	if serr := <-synced; serr != nil {
		return Result{}, fmt.Errorf("sync slug: %w", serr)
	}
	return res, err
}

func (o Options) checkSize(size int64) error {
	limit := o.HardLimit
	if limit == 0 {
		limit = kigo.SlugHardLimit
	}
	if size > limit {
		return &TooLarge{Size: size, Limit: limit}
	}
	return nil
}

// Export writes the image that f has open as a gzip-compressed tar archive rooted
// at "./app", the form in which Heroku's API gives slugs out.
func Export(ctx context.Context, f *os.File, w io.Writer) error {
	if _, err := runChild(ctx, child{verb: verbExport, uid: exportUID, in: f, stream: w}); err != nil {
		return fmt.Errorf("export slug: %w", err)
	}
	return nil
}

// exportUID is who reads an image for a download: Debian's "nobody", who owns
// nothing. The image comes as an open file, so no right to its folder is needed.
const exportUID = 65534
