//go:build race

package app

// underRace makes the long tests shorter: the race detector costs a factor of ten.
const underRace = true
