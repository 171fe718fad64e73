package client

import "time"

// Cost is a price; Unit is "month".
type Cost struct {
	Cents int    `json:"cents"`
	Unit  string `json:"unit"`
}

// DynoSize is what one dyno of a size may use; Memory is in GB.
type DynoSize struct {
	Architecture     string  `json:"architecture"`
	Compute          int     `json:"compute"`
	Cost             *Cost   `json:"cost"`
	Dedicated        bool    `json:"dedicated"`
	Generation       Ref     `json:"generation"`
	ID               string  `json:"id"`
	Memory           float64 `json:"memory"`
	Name             string  `json:"name"`
	PreciseDynoUnits float64 `json:"precise_dyno_units"`
	PrivateSpaceOnly bool    `json:"private_space_only"`
}

// Formation is one process type's share of an app.
type Formation struct {
	App       Ref       `json:"app"`
	Command   string    `json:"command"`
	CreatedAt time.Time `json:"created_at"`
	DynoSize  Ref       `json:"dyno_size"`
	ID        string    `json:"id"`
	Quantity  int       `json:"quantity"`
	Size      string    `json:"size"`
	Type      string    `json:"type"`
	UpdatedAt time.Time `json:"updated_at"`
}
