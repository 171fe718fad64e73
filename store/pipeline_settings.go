package store

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/kigo-dev/kigo"
)

// StageConfig returns the config vars that a pipeline has for a stage.
func (tx *Tx) StageConfig(pipeline, stage string) (kigo.ConfigVars, error) {
	record, err := one(tx, "config", func(_ *Tx, row scanner) (b []byte, err error) {
		err = row.Scan(&b)
		return b, err
	}, "SELECT vars FROM pipeline_config WHERE pipeline_id = $1 AND stage = $2", pipeline, stage)
	vars := kigo.ConfigVars{}
	if errors.Is(err, kigo.ErrNotFound) {
		return vars, nil
	}
	if err != nil {
		return nil, err
	}
	text, err := tx.open("pipeline_config", pipeline+"/"+stage, "vars", record)
	if err == nil {
		err = json.Unmarshal(text, &vars)
	}
	if err != nil {
		return nil, fmt.Errorf("read config vars of stage %s: %w", stage, err)
	}
	return vars, nil
}

// PutStageConfig writes them, sealed.
func (tx *Tx) PutStageConfig(pipeline, stage string, vars kigo.ConfigVars) error {
	return tx.exec("write config vars of a stage", `INSERT INTO pipeline_config (pipeline_id, stage, vars) VALUES ($1, $2, $3)
		ON CONFLICT (pipeline_id, stage) DO UPDATE SET vars = excluded.vars`,
		pipeline, stage, tx.seal("pipeline_config", pipeline+"/"+stage, "vars", []byte(asJSON(vars))))
}

// ReviewConfig returns how a pipeline makes review apps.
func (tx *Tx) ReviewConfig(pipeline string) (kigo.ReviewConfig, error) {
	return one(tx, "review app config", func(_ *Tx, row scanner) (r kigo.ReviewConfig, err error) {
		var text string
		if err = row.Scan(&text); err == nil {
			err = json.Unmarshal([]byte(text), &r)
		}
		return r, err
	}, "SELECT settings FROM review_app_configs WHERE pipeline_id = $1", pipeline)
}

// PutReviewConfig writes it.
func (tx *Tx) PutReviewConfig(pipeline string, r kigo.ReviewConfig) error {
	return tx.exec("write review app config", `INSERT INTO review_app_configs (pipeline_id, settings) VALUES ($1, $2)
		ON CONFLICT (pipeline_id) DO UPDATE SET settings = excluded.settings`, pipeline, asJSON(r))
}

// DeleteReviewConfig removes it.
func (tx *Tx) DeleteReviewConfig(pipeline string) error {
	return tx.execOne("review app config", "delete review app config", "DELETE FROM review_app_configs WHERE pipeline_id = $1", pipeline)
}
