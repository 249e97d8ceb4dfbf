package sqlite

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"scalable-chat/server/internal/stream"
)

// BenchmarkMillion measures a record of a million messages in four rooms: how large the file is, how long it takes until it is
// open, until the newest 10,000 of a room are read, and a page of 100 anywhere.
func BenchmarkMillion(b *testing.B) {
	const messages = 1_000_000
	dir := filled(b, messages)
	info, err := os.Stat(filepath.Join(dir, databaseName))
	if err != nil {
		b.Fatal(err)
	}
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			s, err := Open(b.Context(), Options{Dir: dir})
			if err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			_ = s.Close(context.Background())
			b.StartTimer()
		}
		b.ReportMetric(float64(info.Size())/messages, "file-bytes/message")
	})
	s, err := Open(b.Context(), Options{Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close(context.Background())
	room := s.Room("room-1").(*room)
	defer room.Close()
	read := func(b *testing.B, want int, read func() ([]stream.Entry, error)) {
		if entries, err := read(); err != nil || len(entries) != want {
			b.Fatalf("%d entries: %v", len(entries), err)
		}
	}
	b.Run("newest 10000", func(b *testing.B) {
		for b.Loop() {
			read(b, 10_000, func() ([]stream.Entry, error) { return room.Last(b.Context(), stream.Offset{}, 10_000) })
		}
	})
	var all []stream.Entry
	if all, err = room.Last(b.Context(), stream.Offset{}, messages/4); err != nil {
		b.Fatal(err)
	}
	b.Run("page of 100", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			at := all[100+(i*7919)%(len(all)-200)].Offset
			read(b, 100, func() ([]stream.Entry, error) { return room.Last(b.Context(), at, 100) })
		}
	})
	b.Run("page of 100 forward", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			at := all[(i*7919)%(len(all)-200)].Offset
			read(b, 100, func() ([]stream.Entry, error) { return room.After(b.Context(), at, 100) })
		}
	})
}

// filled makes a directory with so many messages in four rooms.
func filled(b *testing.B, messages int) string {
	s := openBench(b, Options{})
	var rooms []stream.Room
	for i := range 4 {
		rooms = append(rooms, s.Room(fmt.Sprint("room-", i)))
	}
	event := []byte(`["message",{"message":"hello there, how are you doing?","username":"somebody","id":"abcdefghijkl0000","from":"0123456789abcdef","at":0}]`)
	for i := range messages {
		err := rooms[i%4].Append(b.Context(), fmt.Sprint(i), event, func(_ stream.Offset, err error) {
			if err != nil {
				b.Error(err)
			}
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	for _, room := range rooms {
		room.Close()
	}
	if err := s.Close(context.Background()); err != nil {
		b.Fatal(err)
	}
	return s.opts.Dir
}
