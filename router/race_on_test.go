//go:build race

package router

const raceEnabled = true // memory is not what it is otherwise
