package server

import (
	"context"
	"fmt"
	"strings"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/store"
)

// checkSizes fails, naming sizes and apps, if apps use sizes that are not defined (any more):
// their dynos could not start, and what memory the running ones hold would not be counted.
func checkSizes(ctx context.Context, st *store.Store) error {
	var uses []store.SizeUse
	if err := st.View(ctx, func(tx *store.Tx) (err error) {
		uses, err = tx.SizesInUse()
		return err
	}); err != nil {
		return err
	}
	var names []string
	apps := map[string][]string{}
	for _, u := range uses {
		if _, err := kigo.FindSize(u.Size); err == nil {
			continue
		}
		if apps[u.Size] == nil {
			names = append(names, u.Size)
		}
		apps[u.Size] = append(apps[u.Size], u.App)
	}
	if len(names) == 0 {
		return nil
	}
	for i, name := range names {
		names[i] = fmt.Sprintf("%s (used by %s)", name, strings.Join(apps[name], ", "))
	}
	return fmt.Errorf("dyno sizes that apps use are not defined: %s; put them back under \"sizes\" in kigo.json, start, "+
		"give these apps another size with `heroku ps:type`, and then take them out", strings.Join(names, "; "))
}
