package store

import "github.com/kigo-dev/kigo"

const accountColumns = "id, email, name, operator, team, two_factor, last_login, created_at, updated_at"

func scanAccount(_ *Tx, row scanner) (kigo.Account, error) {
	var a kigo.Account
	err := row.Scan(&a.ID, &a.Email, &a.Name, &a.Operator, &a.Team, &a.TwoFactor, at{&a.LastLogin}, at{&a.CreatedAt}, at{&a.UpdatedAt})
	return a, err
}

// CreateAccount adds an account. An e-mail address in use is ErrTaken.
func (tx *Tx) CreateAccount(a *kigo.Account) error {
	newID(&a.ID)
	tx.created(&a.CreatedAt, &a.UpdatedAt)
	return tx.exec("create account", `INSERT INTO accounts (id, email, name, operator, team, last_login, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		string(a.ID), a.Email, a.Name, a.Operator, a.Team, micros(a.LastLogin), micros(a.CreatedAt), micros(a.UpdatedAt))
}

// Account returns one account.
func (tx *Tx) Account(id kigo.AccountID) (kigo.Account, error) {
	return one(tx, "account", scanAccount, "SELECT "+accountColumns+" FROM accounts WHERE id = $1", string(id))
}

// AccountByEmail returns the account with that address, in any case of letters.
func (tx *Tx) AccountByEmail(email string) (kigo.Account, error) {
	return one(tx, "account", scanAccount, "SELECT "+accountColumns+" FROM accounts WHERE lower(email) = lower($1)", email)
}

// Accounts returns all accounts of people, the oldest first.
func (tx *Tx) Accounts() ([]kigo.Account, error) {
	return list(tx, "account", scanAccount, "SELECT "+accountColumns+" FROM accounts WHERE NOT team ORDER BY created_at, id")
}

// UpdateAccount writes the e-mail address, the name, whether it is an operator and the last login.
func (tx *Tx) UpdateAccount(a *kigo.Account) error {
	a.UpdatedAt = tx.now
	return tx.execOne("account", "update account", `UPDATE accounts
		SET email = $2, name = $3, operator = $4, last_login = $5, updated_at = $6 WHERE id = $1`,
		string(a.ID), a.Email, a.Name, a.Operator, micros(a.LastLogin), micros(a.UpdatedAt))
}

// PasswordHash returns what secret.Passwords made of an account's password;
// empty when it has none.
func (tx *Tx) PasswordHash(id kigo.AccountID) (string, error) {
	return one(tx, "account", func(_ *Tx, row scanner) (hash string, err error) {
		err = row.Scan(&hash)
		return hash, err
	}, "SELECT password FROM accounts WHERE id = $1", string(id))
}

// SetPasswordHash writes it.
func (tx *Tx) SetPasswordHash(id kigo.AccountID, hash string) error {
	return tx.execOne("account", "set password", "UPDATE accounts SET password = $2, updated_at = $3 WHERE id = $1",
		string(id), hash, micros(tx.now))
}

// DeleteAccount removes an account with its tokens; one that owns apps stays.
func (tx *Tx) DeleteAccount(id kigo.AccountID) error {
	return tx.execOne("account", "delete account", "DELETE FROM accounts WHERE id = $1", string(id))
}
