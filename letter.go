package kigo

import "time"

// Letter is an e-mail on its way. Until is when it is of no use any more.
type Letter struct {
	ID        string
	To        string
	Subject   string
	Text      string
	Tries     int
	NextAt    time.Time
	Until     time.Time
	CreatedAt time.Time

	Unreadable error // why what it says cannot be read any more, which its Text is not then
}
