package cli

import "time"

// PatientCompletion lets shells wait longer for names than people would.
func PatientCompletion() { completeLimit = time.Minute }
