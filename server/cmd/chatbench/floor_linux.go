package main

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// measureFloor writes on one thread and drains on another, both in this process. The writer's cost is the CPU time of its
// thread. The writer calls write(2) directly, without Go's scheduler and poller.
func measureFloor(o floorOptions) (*floorResult, error) {
	runtime.GOMAXPROCS(max(2, runtime.GOMAXPROCS(0)))
	writers, readers, err := socketPairs(o.connections)
	defer closeAll(writers)
	defer closeAll(readers)
	if err != nil {
		return nil, err
	}
	poller, err := newPoller(readers)
	if err != nil {
		return nil, err
	}
	defer syscall.Close(poller)

	var done atomic.Bool
	var drained error
	var reader sync.WaitGroup
	reader.Go(func() { drained = drain(poller, o.cores[1], &done) })

	result := &floorResult{Connections: o.connections, Size: o.size}
	var wrote error
	var writer sync.WaitGroup
	writer.Go(func() { wrote = writeRounds(o, writers, result) })
	writer.Wait()
	done.Store(true)
	reader.Wait()
	if wrote != nil {
		return nil, wrote
	}
	return result, drained
}

// writeRounds keeps its thread until the goroutine ends, so it needs a goroutine of its own.
func writeRounds(o floorOptions, fds []int, r *floorResult) error {
	if err := pinThread(o.cores[0]); err != nil {
		return err
	}
	frame := make([]byte, o.size)
	for i := range frame {
		frame[i] = 'x'
	}
	start, cpu := time.Now(), threadCPU()
	for round := 1; time.Since(start) < o.duration; round++ {
		for _, fd := range fds {
			n, _, errno := syscall.RawSyscall(syscall.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&frame[0])), uintptr(o.size))
			if errno != 0 {
				return fmt.Errorf("write: %w", errno)
			}
			if int(n) != o.size {
				r.Interrupted++
			}
			r.Writes++
		}
		if o.rate > 0 {
			sleepUntil(start.Add(time.Duration(float64(round) / o.rate * float64(time.Second))))
		}
	}
	r.finish(threadCPU()-cpu, time.Since(start))
	return nil
}

// drain reads everything until done.
func drain(poller, core int, done *atomic.Bool) error {
	if err := pinThread(core); err != nil {
		return err
	}
	buf := make([]byte, 64<<10)
	events := make([]syscall.EpollEvent, 256)
	for !done.Load() {
		n, err := syscall.EpollWait(poller, events, 50)
		if err != nil && err != syscall.EINTR {
			return fmt.Errorf("epoll: %w", err)
		}
		for i := range max(n, 0) {
			if _, err := syscall.Read(int(events[i].Fd), buf); err != nil && err != syscall.EAGAIN && err != syscall.EINTR {
				return fmt.Errorf("read: %w", err)
			}
		}
	}
	return nil
}

func newPoller(fds []int) (int, error) {
	poller, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return 0, err
	}
	for _, fd := range fds {
		event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)}
		if err := syscall.EpollCtl(poller, syscall.EPOLL_CTL_ADD, fd, &event); err != nil {
			syscall.Close(poller)
			return 0, err
		}
	}
	return poller, nil
}

// socketPairs opens n TCP connections over loopback; the sockets block. After an error it returns those already opened.
func socketPairs(n int) (accepted, dialled []int, err error) {
	listener, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	defer syscall.Close(listener)
	if err := syscall.Bind(listener, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return nil, nil, err
	}
	if err := syscall.Listen(listener, 16); err != nil {
		return nil, nil, err
	}
	address, err := syscall.Getsockname(listener)
	if err != nil {
		return nil, nil, err
	}
	for range n {
		fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
		if err != nil {
			return accepted, dialled, err
		}
		dialled = append(dialled, fd)
		if err := syscall.Connect(fd, address); err != nil {
			return accepted, dialled, err
		}
		other, _, err := syscall.Accept4(listener, syscall.SOCK_CLOEXEC)
		if err != nil {
			return accepted, dialled, err
		}
		accepted = append(accepted, other)
		if err := syscall.SetsockoptInt(other, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1); err != nil {
			return accepted, dialled, err
		}
	}
	return accepted, dialled, nil
}

func closeAll(fds []int) {
	for _, fd := range fds {
		syscall.Close(fd)
	}
}

// pinThread locks the goroutine to its thread for good, and the thread to a core unless core is negative. A locked thread
// ends with its goroutine, so no other goroutine inherits the core.
func pinThread(core int) error {
	runtime.LockOSThread()
	if core < 0 {
		return nil
	}
	var set [16]uint64
	if core >= len(set)*64 {
		return fmt.Errorf("no core %d", core)
	}
	set[core/64] = 1 << (core % 64)
	_, _, errno := syscall.RawSyscall(syscall.SYS_SCHED_SETAFFINITY, 0, unsafe.Sizeof(set), uintptr(unsafe.Pointer(&set)))
	if errno != 0 {
		return fmt.Errorf("core %d: %w", core, errno)
	}
	return nil
}

func threadCPU() time.Duration {
	const thread = 1 // RUSAGE_THREAD
	var u syscall.Rusage
	if syscall.Getrusage(thread, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// sleepUntil tells Go's scheduler about the sleep, so that it does not interrupt it to get the thread back.
func sleepUntil(due time.Time) {
	for d := time.Until(due); d > 0; d = time.Until(due) {
		t := syscall.NsecToTimespec(int64(d))
		syscall.Nanosleep(&t, nil)
	}
}
