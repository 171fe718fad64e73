package store

import "github.com/kigo-dev/kigo"

const (
	pipelineColumns  = "id, name, owner_id, created_at, updated_at"
	couplingColumns  = "id, app_id, pipeline_id, stage, created_at, updated_at"
	promotionColumns = "id, pipeline_id, source_app, release_id, targets, created_at"
)

func scanPipeline(_ *Tx, row scanner) (kigo.Pipeline, error) {
	var p kigo.Pipeline
	err := row.Scan(&p.ID, &p.Name, &p.Owner, at{&p.CreatedAt}, at{&p.UpdatedAt})
	return p, err
}

// CreatePipeline adds a pipeline. A name in use is ErrTaken.
func (tx *Tx) CreatePipeline(p *kigo.Pipeline) error {
	newID(&p.ID)
	tx.created(&p.CreatedAt, &p.UpdatedAt)
	return tx.exec("create pipeline", "INSERT INTO pipelines (id, name, owner_id, created_at, updated_at) VALUES ($1, $2, $3, $4, $5)",
		p.ID, p.Name, string(p.Owner), micros(p.CreatedAt), micros(p.UpdatedAt))
}

// FindPipeline returns the pipeline with that name or id.
func (tx *Tx) FindPipeline(nameOrID string) (kigo.Pipeline, error) {
	return one(tx, "pipeline", scanPipeline, "SELECT "+pipelineColumns+" FROM pipelines WHERE id = $1 OR name = $1", nameOrID)
}

// PipelinesOf returns those that an account owns or has apps in, by itself or as one of
// a team, by name.
func (tx *Tx) PipelinesOf(account kigo.AccountID) ([]kigo.Pipeline, error) {
	return list(tx, "pipeline", scanPipeline, "SELECT "+pipelineColumns+` FROM pipelines WHERE owner_id = $1 OR owner_id IN `+teamIDsOf+` OR id IN (
		SELECT pipeline_id FROM pipeline_couplings JOIN apps ON apps.id = app_id WHERE NOT apps.destroying AND (apps.owner_id = $1 OR apps.owner_id IN `+teamIDsOf+`
			OR app_id IN (SELECT app_id FROM collaborators WHERE account_id = $1))) ORDER BY name`, string(account))
}

// UpdatePipeline writes the name and the owner.
func (tx *Tx) UpdatePipeline(p *kigo.Pipeline) error {
	p.UpdatedAt = tx.now
	return tx.execOne("pipeline", "update pipeline", "UPDATE pipelines SET name = $2, owner_id = $3, updated_at = $4 WHERE id = $1",
		p.ID, p.Name, string(p.Owner), micros(p.UpdatedAt))
}

// DeletePipeline removes a pipeline; its apps stay.
func (tx *Tx) DeletePipeline(id string) error {
	return tx.execOne("pipeline", "delete pipeline", "DELETE FROM pipelines WHERE id = $1", id)
}

func scanCoupling(_ *Tx, row scanner) (kigo.Coupling, error) {
	var c kigo.Coupling
	err := row.Scan(&c.ID, &c.App, &c.Pipeline, &c.Stage, at{&c.CreatedAt}, at{&c.UpdatedAt})
	return c, err
}

// CreateCoupling puts an app into a pipeline. One that is in any is ErrTaken.
func (tx *Tx) CreateCoupling(c *kigo.Coupling) error {
	newID(&c.ID)
	tx.created(&c.CreatedAt, &c.UpdatedAt)
	return tx.exec("create pipeline coupling", `INSERT INTO pipeline_couplings (id, app_id, pipeline_id, stage, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6)`, c.ID, string(c.App), c.Pipeline, c.Stage, micros(c.CreatedAt), micros(c.UpdatedAt))
}

// Couplings returns a pipeline's, the oldest first, without those of apps being destroyed.
func (tx *Tx) Couplings(pipeline string) ([]kigo.Coupling, error) {
	return list(tx, "pipeline coupling", scanCoupling, "SELECT "+couplingColumns+` FROM pipeline_couplings WHERE pipeline_id = $1
		AND app_id IN (SELECT id FROM apps WHERE NOT destroying) ORDER BY created_at, id`, pipeline)
}

// Coupling returns one by its id.
func (tx *Tx) Coupling(id string) (kigo.Coupling, error) {
	return one(tx, "pipeline coupling", scanCoupling, "SELECT "+couplingColumns+" FROM pipeline_couplings WHERE id = $1", id)
}

// CouplingOf returns an app's.
func (tx *Tx) CouplingOf(app kigo.AppID) (kigo.Coupling, error) {
	return one(tx, "pipeline coupling", scanCoupling, "SELECT "+couplingColumns+" FROM pipeline_couplings WHERE app_id = $1", string(app))
}

// UpdateCoupling writes the stage.
func (tx *Tx) UpdateCoupling(c *kigo.Coupling) error {
	c.UpdatedAt = tx.now
	return tx.execOne("pipeline coupling", "update pipeline coupling", "UPDATE pipeline_couplings SET stage = $2, updated_at = $3 WHERE id = $1",
		c.ID, c.Stage, micros(c.UpdatedAt))
}

// DeleteCoupling takes an app out of its pipeline.
func (tx *Tx) DeleteCoupling(id string) error {
	return tx.execOne("pipeline coupling", "delete pipeline coupling", "DELETE FROM pipeline_couplings WHERE id = $1", id)
}

// CreatePromotion writes down what a promotion did.
func (tx *Tx) CreatePromotion(p *kigo.Promotion) error {
	newID(&p.ID)
	tx.created(&p.CreatedAt, nil)
	return tx.exec("create promotion", `INSERT INTO pipeline_promotions (id, pipeline_id, source_app, release_id, targets, created_at)
		VALUES ($1, $2, $3, $4, $5, $6)`, p.ID, p.Pipeline, string(p.App), string(p.Release), asJSON(p.Targets), micros(p.CreatedAt))
}

// Promotion returns one.
func (tx *Tx) Promotion(id string) (kigo.Promotion, error) {
	return one(tx, "pipeline promotion", func(_ *Tx, row scanner) (kigo.Promotion, error) {
		var p kigo.Promotion
		err := row.Scan(&p.ID, &p.Pipeline, &p.App, &p.Release, fromJSON{&p.Targets}, at{&p.CreatedAt})
		return p, err
	}, "SELECT "+promotionColumns+" FROM pipeline_promotions WHERE id = $1", id)
}
