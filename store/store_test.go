package store_test

import (
	"testing"

	"github.com/kigo-dev/kigo/store/storetest"
)

func TestBothDatabases(t *testing.T) { storetest.Both(t, storetest.Run) }
