//go:build !amd64

package main

func old() []try { return nil }
