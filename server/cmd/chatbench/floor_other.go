//go:build !linux

package main

import "errors"

func measureFloor(floorOptions) (*floorResult, error) {
	return nil, errors.New("needs Linux")
}
