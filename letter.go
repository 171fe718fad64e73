package kigo

import "time"

// LetterAskReset is the kind of what somebody asked for who need not have an account: To shall
// be mailed a password reset, if there is one of that address. Text is where they asked from.
const LetterAskReset = "ask-reset"

// Letter is an e-mail on its way. Until is when it is of no use any more.
type Letter struct {
	ID        string
	Kind      string // empty: a letter
	To        string
	Subject   string
	Text      string
	Tries     int
	NextAt    time.Time
	Until     time.Time
	CreatedAt time.Time

	Unreadable error // why what it says cannot be read any more, which its Text is not then
}
