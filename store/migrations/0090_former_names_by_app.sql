-- An app's former names are read whenever its routes change.
CREATE INDEX former_names_app ON former_names (app_id);
