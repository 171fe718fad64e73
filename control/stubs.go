package control

import (
	"context"
	"errors"
	"time"

	"github.com/kigo-dev/kigo"
)

// errTodo marks methods whose body is being written; their signatures stand.
var errTodo = errors.New("not built yet")

// NewApp is what a new app starts with; empty fields have defaults.
type NewApp struct{ Name, Stack, Region string }

// AppChange changes what is not nil.
type AppChange struct {
	Name        *string
	Maintenance *bool
	BuildStack  *string
}

func (c *Control) CreateApp(ctx context.Context, a Actor, n NewApp) (kigo.App, error) {
	return kigo.App{}, errTodo
}
func (c *Control) UpdateApp(ctx context.Context, a Actor, app kigo.AppID, ch AppChange) (kigo.App, error) {
	return kigo.App{}, errTodo
}
func (c *Control) DestroyApp(ctx context.Context, a Actor, app kigo.AppID) (kigo.App, error) {
	return kigo.App{}, errTodo
}

// FinishDestroy removes the rows of a destroyed app once its dynos, repository and slugs are gone.
func (c *Control) FinishDestroy(ctx context.Context, app kigo.AppID) error { return errTodo }

// Can: verb is "read", "write", "read-protected", "write-protected" (config vars), "identity".
func (c *Control) Can(a Actor, verb string, app kigo.App) error { return errTodo }

func (c *Control) SetConfig(ctx context.Context, a Actor, app kigo.AppID, vars map[string]*string) (kigo.ConfigVars, *kigo.Release, error) {
	return nil, nil, errTodo
}
func (c *Control) SetBuildpacks(ctx context.Context, a Actor, app kigo.AppID, urlsOrNames []string) ([]kigo.BuildpackInstallation, error) {
	return nil, errTodo
}
func (c *Control) CreateBuild(ctx context.Context, a Actor, app kigo.AppID, s kigo.Source, buildpacks []string) (kigo.Build, error) {
	return kigo.Build{}, errTodo
}
func (c *Control) CancelBuild(ctx context.Context, a Actor, build kigo.BuildID) (kigo.Build, error) {
	return kigo.Build{}, errTodo
}

// CompleteBuild: slug.ID, App, CreatedAt may be empty. Twice gives the same release.
func (c *Control) CompleteBuild(ctx context.Context, build kigo.BuildID, slug kigo.Slug) (kigo.Release, error) {
	return kigo.Release{}, errTodo
}
func (c *Control) FailBuild(ctx context.Context, build kigo.BuildID, why string) error {
	return errTodo
}

// NewSlug is a slug whose blob will be uploaded.
type NewSlug struct {
	ProcessTypes                                        map[string]string
	Stack, Commit, CommitDescription, BuildpackProvided string
}

func (c *Control) CreateSlug(ctx context.Context, a Actor, app kigo.AppID, n NewSlug) (kigo.Slug, error) {
	return kigo.Slug{}, errTodo
}
func (c *Control) FinishSlug(ctx context.Context, slug kigo.SlugID, digest string, size, imageSize int64) (kigo.Slug, error) {
	return kigo.Slug{}, errTodo
}
func (c *Control) CreateRelease(ctx context.Context, a Actor, app kigo.AppID, slug kigo.SlugID, description string) (kigo.Release, error) {
	return kigo.Release{}, errTodo
}

// Rollback: release is "v3", "3" or an id.
func (c *Control) Rollback(ctx context.Context, a Actor, app kigo.AppID, release string) (kigo.Release, error) {
	return kigo.Release{}, errTodo
}

// FinishRelease ends a release phase. Twice changes nothing.
func (c *Control) FinishRelease(ctx context.Context, release kigo.ReleaseID, ok bool) (kigo.Release, error) {
	return kigo.Release{}, errTodo
}

// FormationChange changes what is not nil of one process type.
type FormationChange struct {
	Type     string
	Quantity *int
	Relative bool // Quantity is added to the present one ("web+1")
	Size     *string
}

func (c *Control) Scale(ctx context.Context, a Actor, app kigo.AppID, changes []FormationChange) ([]kigo.Formation, error) {
	return nil, errTodo
}

// NewDyno is a one-off.
type NewDyno struct {
	Command string
	Env     map[string]string
	Attach  bool
	NoTTY   bool
	Size    string        // empty: the app's
	Type    string        // empty: "run"
	TTL     time.Duration // 0: until it ends
}

// RunDyno returns the dyno with its Attach.Secret when Attach is wanted: the only time that it is told.
func (c *Control) RunDyno(ctx context.Context, a Actor, app kigo.AppID, n NewDyno) (kigo.Dyno, error) {
	return kigo.Dyno{}, errTodo
}

// RestartDynos: which is "" (all of the formation), a dyno's name or id, or a process type.
func (c *Control) RestartDynos(ctx context.Context, a Actor, app kigo.AppID, which string) error {
	return errTodo
}

// StopDynos: which is a dyno's name or id, or a process type.
func (c *Control) StopDynos(ctx context.Context, a Actor, app kigo.AppID, which string) error {
	return errTodo
}

// NewAuthorization is what a new authorization holds.
type NewAuthorization struct {
	Description string
	Scope       []string      // empty: global
	ExpiresIn   time.Duration // 0: never
}

// AuthorizationChange changes what is not nil.
type AuthorizationChange struct{ Description *string }

func (c *Control) CreateAuthorization(ctx context.Context, a Actor, n NewAuthorization) (kigo.Authorization, string, error) {
	return kigo.Authorization{}, "", errTodo
}
func (c *Control) Authorizations(ctx context.Context, a Actor) ([]kigo.Authorization, error) {
	return nil, errTodo
}
func (c *Control) UpdateAuthorization(ctx context.Context, a Actor, id string, ch AuthorizationChange) (kigo.Authorization, error) {
	return kigo.Authorization{}, errTodo
}
func (c *Control) RotateAuthorization(ctx context.Context, a Actor, id string) (kigo.Authorization, string, error) {
	return kigo.Authorization{}, "", errTodo
}
func (c *Control) RevokeAuthorization(ctx context.Context, a Actor, id string) (kigo.Authorization, error) {
	return kigo.Authorization{}, errTodo
}

// Authenticate: unknown, revoked or expired → kigo.Error unauthorized "Invalid credentials provided."
func (c *Control) Authenticate(ctx context.Context, token string) (Actor, kigo.Authorization, error) {
	return Actor{}, kigo.Authorization{}, errTodo
}
func (c *Control) AuthenticatePassword(ctx context.Context, email, password string) (Actor, error) {
	return Actor{}, errTodo
}

// EnsureOperator makes the first account, and an authorization with that token for it. The caller makes the
// token with secret.NewToken and writes it to its file (DIR/token) first, so that a crash between cannot lose it.
func (c *Control) EnsureOperator(ctx context.Context, email, token string) (kigo.Account, error) {
	return kigo.Account{}, errTodo
}

// SetPassword sets an account's password, for `login`.
func (c *Control) SetPassword(ctx context.Context, a Actor, password string) error { return errTodo }

// Feature is one switch of an app.
type Feature struct {
	Name, DisplayName, Description, DocURL, State string
	Enabled                                       bool
	CreatedAt, UpdatedAt                          time.Time
}

func (c *Control) Features(ctx context.Context, app kigo.AppID) ([]Feature, error) {
	return nil, errTodo
}
func (c *Control) SetFeature(ctx context.Context, a Actor, app kigo.AppID, name string, enabled bool) (Feature, error) {
	return Feature{}, errTodo
}
func (c *Control) AddDomain(ctx context.Context, a Actor, app kigo.AppID, hostname string) (kigo.Domain, error) {
	return kigo.Domain{}, errTodo
}
func (c *Control) RemoveDomain(ctx context.Context, a Actor, app kigo.AppID, hostOrID string) (kigo.Domain, error) {
	return kigo.Domain{}, errTodo
}
