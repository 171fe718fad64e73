package client

import (
	"context"
	"net/http"
	"time"
)

// OCIImage is a container image that can be released with all its process types.
type OCIImage struct {
	Architecture      *string                 `json:"architecture"`
	BaseImageName     string                  `json:"base_image_name"`
	BaseTopLayer      string                  `json:"base_top_layer"`
	Buildpacks        []ImageBuildpack        `json:"buildpacks"`
	Commit            string                  `json:"commit"`
	CommitDescription string                  `json:"commit_description"`
	CreatedAt         time.Time               `json:"created_at"`
	DeletedAt         *time.Time              `json:"deleted_at"`
	Digest            string                  `json:"digest"`
	ID                string                  `json:"id"`
	ImageRepo         string                  `json:"image_repo"`
	ProcessTypes      map[string]ImageProcess `json:"process_types"`
	Stack             Ref                     `json:"stack"`
	UpdatedAt         time.Time               `json:"updated_at"`
}

// ImageProcess is a process type of an image.
type ImageProcess struct {
	Command    string `json:"command"`
	Default    *bool  `json:"default"`
	DisplayCmd string `json:"display_cmd"`
	Name       string `json:"name"`
	WorkingDir string `json:"working_dir"`
}

// ImageBuildpack is a Cloud Native Buildpack of an image.
type ImageBuildpack struct {
	ID       string `json:"id"`
	Version  string `json:"version"`
	Homepage string `json:"homepage"`
}

// CreateOCIImage makes an image that was pushed into one that can be released; in has the
// fields of the API.
func (c *Client) CreateOCIImage(ctx context.Context, app string, in any) (image OCIImage, err error) {
	err = c.Do(ctx, http.MethodPost, path("apps", app, "oci-images"), in, &image)
	return image, err
}
