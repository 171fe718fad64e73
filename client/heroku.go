package client

import _ "embed"

// HerokuScript keeps Heroku's own command line from the hosts of Heroku's that are
// built into it: Node loads it by NODE_OPTIONS=--require=FILE.
//
//go:embed heroku.cjs
var HerokuScript []byte
