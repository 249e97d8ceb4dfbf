package sqlite

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"

	"scalable-chat/server/internal/test/assert"
)

// disk is a file system that knows what of its files would be left after a power cut: all that was synced and, of what was
// written since, any part. It can also fail like a disk that dies.
type disk struct {
	name string

	mu     sync.Mutex
	rnd    *rand.Rand
	files  map[string]*image
	faulty float64       // the share of writes and syncs that fail
	full   bool          // nothing more can be written
	stall  chan struct{} // not nil: syncs wait until it is closed
	waits  chan struct{} // gets a value for each sync that waits
}

// image is the content of a file on the disk.
type image struct {
	synced  []byte
	pending []change // since the last sync
	named   bool     // the directory has the file
}

// change is one write or, without bytes, a cut.
type change struct {
	at    int64
	bytes []byte
}

func newDisk(t *testing.T, seed uint64) *disk {
	d := &disk{name: fmt.Sprint(t.Name(), seed), rnd: rand.New(rand.NewPCG(seed, 0)), files: map[string]*image{}}
	vfs.Register(d.name, d)
	t.Cleanup(func() { vfs.Unregister(d.name) })
	return d
}

// system is the file system below.
func system() vfs.VFSFilename { return vfs.Find("os").(vfs.VFSFilename) }

// Open is never called: see OpenFilename.
func (d *disk) Open(name string, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	return system().Open(name, flags)
}

// OpenFilename opens a file, whose content so far counts as synced.
func (d *disk) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	under, flags, err := system().OpenFilename(name, flags)
	if err != nil || name.String() == "" {
		return under, flags, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	base := filepath.Base(name.String())
	if d.files[base] == nil {
		content, _ := os.ReadFile(name.String())
		d.files[base] = &image{synced: content, named: len(content) > 0}
	}
	return &watched{backing: under.(backing), disk: d, image: d.files[base]}, flags, nil
}

func (d *disk) Delete(name string, syncDir bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.files, filepath.Base(name))
	return system().Delete(name, syncDir)
}

func (d *disk) Access(name string, flags vfs.AccessFlag) (bool, error) {
	return system().Access(name, flags)
}
func (d *disk) FullPathname(name string) (string, error) { return system().FullPathname(name) }

// cut writes to a directory what a power cut now leaves of the files: of what is not synced, some writes, some torn ones.
func (d *disk) cut(t *testing.T, dir string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name, file := range d.files {
		if !file.named && d.rnd.IntN(2) == 0 {
			continue
		}
		left := append([]byte(nil), file.synced...)
		for _, c := range file.pending {
			switch d.rnd.IntN(3) {
			case 0:
				left = c.apply(left)
			case 1:
				if n := len(c.bytes); n > sector {
					left = change{c.at, c.bytes[:sector*d.rnd.IntN(n/sector+1)]}.apply(left)
				}
			}
		}
		assert.NoError(t, os.WriteFile(filepath.Join(dir, name), left, 0o600))
	}
}

// sector is what a disk writes as a whole, in bytes.
const sector = 512

func (c change) apply(to []byte) []byte {
	if c.bytes == nil && int64(len(to)) > c.at {
		return to[:c.at]
	}
	if missing := c.at + int64(len(c.bytes)) - int64(len(to)); missing > 0 {
		to = append(to, make([]byte, missing)...)
	}
	copy(to[c.at:], c.bytes)
	return to
}

// fails reports whether this time the disk fails.
func (d *disk) fails() bool { return d.rnd.Float64() < d.faulty }

// wear sets the share of writes and syncs that fail.
func (d *disk) wear(share float64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faulty = share
}

// fill says whether nothing more can be written.
func (d *disk) fill(full bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.full = full
}

// stop has all syncs wait until the result is called.
func (d *disk) stop() (resume func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	stall := make(chan struct{})
	d.stall, d.waits = stall, make(chan struct{}, 100)
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.stall = nil
		close(stall)
	}
}

// wait waits while syncs are stopped.
func (d *disk) wait() {
	d.mu.Lock()
	stall, waits := d.stall, d.waits
	d.mu.Unlock()
	if stall != nil {
		waits <- struct{}{}
		<-stall
	}
}

// kill writes to a directory what other processes see now if the one that writes is killed, and returns the disk below.
func (d *disk) kill(t *testing.T, from, to string) *disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	left := newDisk(t, d.rnd.Uint64())
	for name, file := range d.files {
		content, err := os.ReadFile(filepath.Join(from, name))
		assert.NoError(t, err)
		assert.NoError(t, os.WriteFile(filepath.Join(to, name), content, 0o600))
		left.files[name] = &image{synced: bytes.Clone(file.synced), pending: slices.Clone(file.pending), named: file.named}
	}
	return left
}

// backing is what SQLite needs of a file in WAL mode.
type backing interface {
	vfs.FileSharedMemory
	vfs.FileLockState
	vfs.FilePersistWAL
	vfs.FilePowersafeOverwrite
}

// watched is an open file.
type watched struct {
	backing
	disk  *disk
	image *image
}

func (w *watched) WriteAt(p []byte, at int64) (int, error) {
	w.disk.mu.Lock()
	defer w.disk.mu.Unlock()
	switch {
	case w.disk.full:
		return 0, sqlite3.FULL
	case w.disk.fails():
		return 0, sqlite3.IOERR_WRITE
	}
	w.image.pending = append(w.image.pending, change{at, append([]byte{}, p...)})
	return w.backing.WriteAt(p, at)
}

func (w *watched) Truncate(size int64) error {
	w.disk.mu.Lock()
	defer w.disk.mu.Unlock()
	w.image.pending = append(w.image.pending, change{at: size})
	return w.backing.Truncate(size)
}

// Sync syncs the image only: nothing else has to survive. If it fails, then as systems do: what was to be written counts as written,
// so the next sync does not write it.
func (w *watched) Sync(vfs.SyncFlag) error {
	w.disk.wait()
	w.disk.mu.Lock()
	defer w.disk.mu.Unlock()
	failed := w.disk.fails()
	if !failed {
		for _, c := range w.image.pending {
			w.image.synced = c.apply(w.image.synced)
		}
		w.image.named = true
	}
	w.image.pending = nil
	if failed {
		return errors.Join(sqlite3.IOERR_FSYNC)
	}
	return nil
}
