package sqlite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"
	"time"

	"github.com/ncruces/go-sqlite3"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/stream/dedupe"
)

// What marks a file as a record of this server.
const (
	applicationID = 0x63686174 // "chat"
	schemaVersion = 1
)

// schema makes an empty record. An entry with an empty event is a genesis. The index orders the entries of all rooms by time:
// retention, the newest offset and whatever reads behind (a search index, for example) need that order.
const schema = `
CREATE TABLE entry (
	room  TEXT    NOT NULL,
	ms    INTEGER NOT NULL,
	seq   INTEGER NOT NULL,
	key   BLOB,
	event BLOB    NOT NULL,
	PRIMARY KEY (room, ms, seq)
) WITHOUT ROWID;
CREATE INDEX entry_time ON entry (ms, seq);
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
`

// settings of every connection. FULL syncs each commit: less has lost acked entries in simulated power cuts. Deleted content is
// overwritten. There may be no directory for temporary files.
const settings = `
PRAGMA busy_timeout = 5000;
PRAGMA synchronous = FULL;
PRAGMA fullfsync = ON;
PRAGMA checkpoint_fullfsync = ON;
PRAGMA secure_delete = ON;
PRAGMA temp_store = MEMORY;
PRAGMA journal_size_limit = 67108864;
PRAGMA trusted_schema = OFF;
`

// conn is a connection to the database. Only one goroutine uses it at a time.
type conn struct {
	*sqlite3.Conn
	statements map[string]*sqlite3.Stmt
}

// connect opens a connection to a file. mode is that of an SQLite URI: rwc makes a missing file, rw and ro do not.
func connect(ctx context.Context, path, vfs, mode string) (*conn, error) {
	query := url.Values{"mode": {mode}, "modeof": {path}} // the log has the permissions of the database
	if vfs != "" {
		query.Set("vfs", vfs)
	}
	uri := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: query.Encode()}
	c, err := sqlite3.OpenContext(ctx, uri.String())
	if err != nil {
		return nil, err
	}
	opened := &conn{Conn: c, statements: map[string]*sqlite3.Stmt{}}
	if err := opened.Exec(settings); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	c.SetInterrupt(context.Background()) // ctx bounds the opening only
	return opened, nil
}

// close closes the connection and its statements.
func (c *conn) close() error {
	for _, s := range c.statements {
		_ = s.Close()
	}
	return c.Conn.Close()
}

// prepared returns a statement that is ready to run with these values. It is prepared once.
func (c *conn) prepared(sql string, values ...any) (*sqlite3.Stmt, error) {
	s := c.statements[sql]
	if s == nil {
		var err error
		if s, _, err = c.Prepare(sql); err != nil {
			return nil, err
		}
		c.statements[sql] = s
	}
	for i, value := range values {
		var err error
		switch v := value.(type) {
		case string:
			err = s.BindText(i+1, v)
		case int64:
			err = s.BindInt64(i+1, v)
		case int:
			err = s.BindInt(i+1, v)
		}
		if err != nil {
			return nil, err
		}
	}
	return s, nil
}

// query runs a statement and calls row for each of its rows.
func (c *conn) query(row func(*sqlite3.Stmt), sql string, values ...any) error {
	s, err := c.prepared(sql, values...)
	if err != nil {
		return err
	}
	for s.Step() {
		row(s)
	}
	err = s.Err() // Reset does not know of a context that has ended
	return cmp.Or(err, s.Reset())
}

// number returns the one number that a statement yields.
func (c *conn) number(sql string, values ...any) (n int64, err error) {
	err = c.query(func(s *sqlite3.Stmt) { n = s.ColumnInt64(0) }, sql, values...)
	return n, err
}

// about returns what the database knows under a name, "" if nothing.
func (c *conn) about(name string) (value string, err error) {
	err = c.query(func(s *sqlite3.Stmt) { value = s.ColumnText(0) }, `SELECT value FROM about WHERE name = ?`, name)
	return value, err
}

// note remembers a value under a name, instead of an earlier one.
func (c *conn) note(name, value string) error {
	return c.query(nil, `INSERT OR REPLACE INTO about VALUES (?, ?)`, name, value)
}

const insert = `INSERT INTO entry (room, ms, seq, key, event) VALUES (?, ?, ?, ?, ?)`

// found adds the genesis of a room, unless it is there.
func (c *conn) found(room string, genesis stream.Offset) error {
	return c.query(nil, `INSERT OR IGNORE INTO entry (room, ms, seq, event) VALUES (?, ?, ?, zeroblob(0))`,
		room, int64(genesis.Ms), int64(genesis.Seq))
}

// insert adds an entry. key is nil for an entry that has none.
func (c *conn) insert(room string, e stream.Entry, key *dedupe.Key) error {
	s, err := c.prepared(insert)
	if err != nil {
		return err
	}
	err = errors.Join(s.BindText(1, room), s.BindInt64(2, int64(e.Offset.Ms)), s.BindInt64(3, int64(e.Offset.Seq)))
	if key != nil {
		err = errors.Join(err, s.BindBlob(4, key[:]))
	} else {
		err = errors.Join(err, s.BindNull(4))
	}
	if err = errors.Join(err, s.BindBlob(5, e.Event)); err != nil {
		return err
	}
	return s.Exec()
}

// beginning is the genesis of every room that has nothing: the offset of the newest entry that was ever deleted or, before that,
// of the time at which the database was made. So it comes after all that a room may have lost and before all that it may get,
// and it is the same after a restart, although nothing is stored for a room without messages.
func (c *conn) beginning() (stream.Offset, error) {
	text, err := c.about(beginning)
	if err != nil {
		return stream.Offset{}, err
	}
	return stream.ParseOffset(text)
}

// beginAfter notes that entries up to an offset were deleted.
func (c *conn) beginAfter(o stream.Offset) error {
	if now, err := c.beginning(); err == nil && now.Compare(o) >= 0 {
		return nil // a genesis that was stored late
	}
	return c.note(beginning, o.String())
}

// newest returns the offset after which every new entry comes: that of the newest entry there is or was.
func (c *conn) newest() (o stream.Offset, err error) {
	err = c.query(func(s *sqlite3.Stmt) { o = offset(s, 0) }, `SELECT ms, seq FROM entry ORDER BY ms DESC, seq DESC LIMIT 1`)
	if err != nil {
		return o, err
	}
	begin, err := c.beginning()
	if begin.Compare(o) > 0 {
		return begin, err
	}
	return o, err
}

// has reports whether there is an entry with this offset.
func (c *conn) has(o stream.Offset) (bool, error) {
	n, err := c.number(`SELECT count(*) FROM entry WHERE ms = ? AND seq = ?`, int64(o.Ms), int64(o.Seq))
	return n > 0, err
}

// forget deletes at most n of the oldest entries that are older than a time, in milliseconds since the epoch.
func (c *conn) forget(before int64, n int) error {
	var last stream.Offset
	err := c.query(func(s *sqlite3.Stmt) { last = offset(s, 0) },
		`SELECT ms, seq FROM (SELECT ms, seq FROM entry WHERE ms < ? ORDER BY ms, seq LIMIT ?) ORDER BY ms DESC, seq DESC LIMIT 1`, before, n)
	if err != nil || last.IsZero() {
		return err
	}
	ms, seq := limited(last)
	return errors.Join(c.query(nil, `DELETE FROM entry WHERE (ms, seq) <= (?, ?)`, ms, seq), c.beginAfter(last))
}

// size is how many bytes of the database are in use.
func (c *conn) size() (int64, error) {
	return c.number(`SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size`)
}

// last returns the newest n entries of a room before an offset, oldest first.
func (c *conn) last(room string, before stream.Offset, n int) (entries []stream.Entry, err error) {
	ms, seq := int64(math.MaxInt64), int64(math.MaxInt64)
	if !before.IsZero() {
		ms, seq = limited(before)
	}
	err = c.query(func(s *sqlite3.Stmt) { entries = append(entries, entry(s)) },
		`SELECT ms, seq, event FROM entry WHERE room = ? AND (ms, seq) < (?, ?) ORDER BY ms DESC, seq DESC LIMIT ?`, room, ms, seq, n)
	slices.Reverse(entries)
	return entries, err
}

// after returns the oldest n entries of a room after an offset, oldest first.
func (c *conn) after(room string, o stream.Offset, n int) (entries []stream.Entry, err error) {
	ms, seq := limited(o)
	err = c.query(func(s *sqlite3.Stmt) { entries = append(entries, entry(s)) },
		`SELECT ms, seq, event FROM entry WHERE room = ? AND (ms, seq) > (?, ?) ORDER BY ms, seq LIMIT ?`, room, ms, seq, n)
	return entries, err
}

// keys adds the newest keys of a room that were stored since a time, at most so many, to a table.
func (c *conn) keys(room string, since time.Time, most int, to *dedupe.Table) error {
	type known struct {
		key    dedupe.Key
		offset stream.Offset
	}
	var newest []known
	err := c.query(func(s *sqlite3.Stmt) {
		var k known
		copy(k.key[:], s.ColumnRawBlob(2))
		k.offset = offset(s, 0)
		newest = append(newest, k)
	}, `SELECT ms, seq, key FROM entry WHERE room = ? AND ms > ? AND key IS NOT NULL ORDER BY ms DESC, seq DESC LIMIT ?`,
		room, since.UnixMilli(), most)
	if err != nil {
		return err
	}
	for _, k := range slices.Backward(newest) {
		to.Add(k.key, k.offset, time.UnixMilli(int64(k.offset.Ms)))
	}
	return nil
}

// errDamaged means that the file is not what SQLite has written.
var errDamaged = errors.New("damaged")

// check looks for damage, which is [errDamaged].
func (c *conn) check() error {
	var found string
	err := c.query(func(s *sqlite3.Stmt) { found = s.ColumnText(0) }, `PRAGMA quick_check(1)`)
	switch {
	case errors.Is(err, sqlite3.CORRUPT), errors.Is(err, sqlite3.NOTADB):
		return fmt.Errorf("%w: %w", errDamaged, err)
	case err == nil && found != "ok":
		return fmt.Errorf("%w: %s", errDamaged, found)
	}
	return err
}

// flush writes all of the write-ahead log into the database, has both synced, and empties the log. It fails while another process
// reads.
func (c *conn) flush() error {
	_, _, err := c.WALCheckpoint("main", sqlite3.CHECKPOINT_TRUNCATE)
	return err
}

// settle has the disk take everything that the file says. It is flush, but while another process reads, it leaves the log as it is
// and commits something: that syncs the whole log.
func (c *conn) settle() error {
	err := c.flush()
	if errors.Is(err, sqlite3.BUSY) {
		err = c.note("opened beside a reader", time.Now().UTC().Format(time.RFC3339Nano))
	}
	return err
}

// errInterrupted is the error of a read that was cut off.
var errInterrupted error = sqlite3.INTERRUPT

// isFull reports whether an error says that the disk has no more room.
func isFull(err error) bool { return errors.Is(err, sqlite3.FULL) }

func entry(s *sqlite3.Stmt) stream.Entry {
	e := stream.Entry{Offset: offset(s, 0)}
	if event := s.ColumnRawBlob(2); len(event) > 0 {
		e.Event = append(make([]byte, 0, len(event)), event...)
	}
	return e
}

// offset reads two columns.
func offset(s *sqlite3.Stmt, column int) stream.Offset {
	return stream.Offset{Ms: uint64(s.ColumnInt64(column)), Seq: uint64(s.ColumnInt64(column + 1))}
}

// limited returns an offset as two numbers that SQLite can hold. No entry has larger ones.
func limited(o stream.Offset) (ms, seq int64) {
	if o.Ms > math.MaxInt64 {
		return math.MaxInt64, math.MaxInt64
	}
	return int64(o.Ms), int64(min(o.Seq, math.MaxInt64))
}
