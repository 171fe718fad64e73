package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/kigo-dev/kigo"
	"github.com/kigo-dev/kigo/control"
	"github.com/kigo-dev/kigo/store"
)

// namespace makes the ids of events and deliveries, which are the same whenever they are made.
var namespace = uuid.MustParse("6b69676f-0000-5000-8001-000000000000")

func eventID(e kigo.Event) string {
	return uuid.NewSHA1(namespace, []byte("event/"+strconv.FormatInt(e.Revision, 10)+"/"+string(e.App))).String()
}

func deliveryID(e kigo.Event, w kigo.Webhook) string {
	return uuid.NewSHA1(namespace, []byte("delivery/"+strconv.FormatInt(e.Revision, 10)+"/"+w.ID)).String()
}

// paths are where the API shows what an event is about, below its app.
var paths = map[string]string{
	"app": "", "build": "/builds/", "collaborator": "/collaborators/", "domain": "/domains/", "dyno": "/dynos/",
	"formation": "/formation/", "release": "/releases/", "sni-endpoint": "/sni-endpoints/",
}

// actions are the words for what happened; all else is an update.
var actions = map[string]string{"create": "create", "delete": "destroy", "destroy": "destroy"}

// payload says what happened, with the thing as the API shows it now; of one that has gone,
// what the event says of it.
func (l *Loop) payload(ctx context.Context, e kigo.Event) ([]byte, error) {
	noun, verb, _ := strings.Cut(e.Kind, ".")
	action := actions[verb]
	if action == "" {
		action = "update"
	}
	app, owner, actor, err := l.people(ctx, e)
	if err != nil {
		return nil, err
	}
	var data json.RawMessage
	if action != "destroy" {
		path := "/apps/" + string(e.App) + paths[noun]
		if noun != "app" {
			path += e.Key
		}
		if data, err = l.Peek(ctx, owner, path); err != nil && !errors.Is(err, kigo.ErrNotFound) {
			return nil, err
		}
	}
	if data == nil {
		if data, err = remains(e, app); err != nil {
			return nil, err
		}
	}
	out, err := json.Marshal(map[string]any{
		"action": action, "actor": map[string]string{"email": e.Actor, "id": string(actor.ID)}, "data": data,
		"previous_data": map[string]any{}, "resource": noun, "version": control.PayloadVersion,
	})
	if err != nil {
		return nil, fmt.Errorf("marshal payload: %w", err)
	}
	return out, nil
}

// people finds the app, who owns it and who did what the event tells: the platform itself
// does things for the owner.
func (l *Loop) people(ctx context.Context, e kigo.Event) (app kigo.App, owner, actor kigo.Account, err error) {
	err = l.Store.View(ctx, func(tx *store.Tx) error {
		if app, err = tx.App(e.App); err != nil {
			if errors.Is(err, kigo.ErrNotFound) {
				return nil
			}
			return err
		}
		if owner, err = tx.Account(app.Owner); err != nil {
			return err
		}
		if actor, err = tx.AccountByEmail(e.Actor); errors.Is(err, kigo.ErrNotFound) {
			return nil
		}
		return err
	})
	return app, owner, actor, err
}

// remains is what can be said of a thing that is not there any more.
func remains(e kigo.Event, app kigo.App) (json.RawMessage, error) {
	data := map[string]any{}
	if len(e.Payload) > 0 {
		if err := json.Unmarshal(e.Payload, &data); err != nil {
			return nil, fmt.Errorf("parse event %d: %w", e.Revision, err)
		}
	}
	data["id"] = e.Key
	if string(e.App) != e.Key {
		data["app"] = map[string]string{"id": string(e.App), "name": app.Name}
	}
	return json.Marshal(data)
}
