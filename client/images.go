package client

import (
	"context"
	"net/http"
)

// PushedImage returns the id of the image that was pushed last for a process type:
// the one with the tag "latest".
func (c *Client) PushedImage(ctx context.Context, app, typ string) (string, error) {
	var m struct {
		Config struct {
			Digest string `json:"digest"`
		} `json:"config"`
	}
	err := c.Do(ctx, http.MethodGet, path("v2", app, typ, "manifests", "latest"), nil, &m)
	return m.Config.Digest, err
}

// ReleaseImages releases container images by their ids, by process type; nil takes
// the type away.
func (c *Client) ReleaseImages(ctx context.Context, app string, images map[string]*string) error {
	type update struct {
		Type        string  `json:"type"`
		DockerImage *string `json:"docker_image"`
	}
	var in struct {
		Updates []update `json:"updates"`
	}
	for typ, id := range images {
		in.Updates = append(in.Updates, update{typ, id})
	}
	return c.Do(ctx, http.MethodPatch, path("apps", app, "formation"), in, nil)
}
