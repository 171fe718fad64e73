package cli

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/kigo-dev/kigo/client"
)

// scaleChange is one type's change as the API takes it: a quantity is text, so
// that "+1" can mean one more.
type scaleChange struct {
	Type     string `json:"type"`
	Quantity string `json:"quantity,omitempty"`
	Size     string `json:"size,omitempty"`
}

var scaleArg = regexp.MustCompile(`^([\w-]+)([=+-])(\d+)(?::([\w-]+))?$`)

func psScale(c *call) error {
	var changes []scaleChange
	for _, a := range c.args {
		m := scaleArg.FindStringSubmatch(a)
		if m == nil {
			return usage(2, "%s is no change of scale: say TYPE=QUANTITY with a whole number from 0, TYPE+N or TYPE-N, and :SIZE after it for another size, such as web=2:Standard-1X", a)
		}
		changes = append(changes, scaleChange{m[1], strings.TrimPrefix(m[2], "=") + m[3], m[4]})
	}
	if len(changes) == 0 {
		return c.showScale()
	}
	c.begin("Scaling dynos")
	formation, err := c.patchFormation(changes)
	if err != nil {
		return err
	}
	var now []string
	for _, f := range formation {
		if slices.ContainsFunc(changes, func(s scaleChange) bool { return s.Type == f.Type }) {
			now = append(now, fmt.Sprintf("%s at %d:%s", f.Type, f.Quantity, f.Size))
		}
	}
	c.done("done, now running %s", strings.Join(now, ", "))
	return nil
}

func (c *call) patchFormation(changes []scaleChange) (formation []client.Formation, err error) {
	err = c.api.Do(c, "PATCH", "/apps/"+url.PathEscape(c.app)+"/formation", map[string]any{"updates": changes}, &formation)
	return formation, err
}

func (c *call) showScale() error {
	formation, err := c.readFormation()
	if err != nil {
		return err
	}
	var types []string
	for _, f := range formation {
		types = append(types, fmt.Sprintf("%s=%d:%s", f.Type, f.Quantity, f.Size))
	}
	slices.Sort(types)
	c.println("%s", strings.Join(types, " "))
	return nil
}

func (c *call) readFormation() ([]client.Formation, error) {
	formation, err := c.api.Formation(c, c.app)
	if err == nil && len(formation) == 0 {
		err = sentence("No process types on %s.\nUpload a Procfile to add process types.\nhttps://devcenter.heroku.com/articles/procfile", c.app)
	}
	return formation, err
}

var typeArg = regexp.MustCompile(`^([a-zA-Z0-9_]+)=([\w-]+)$`)

// psType changes sizes, then shows the formation with what it would cost on Heroku.
func psType(c *call) error {
	formation, err := c.readFormation()
	if err != nil {
		return err
	}
	changes, err := c.typeChanges(formation)
	if err != nil {
		return err
	}
	if len(changes) > 0 {
		c.begin("Scaling dynos on %s", c.app)
		if _, err := c.patchFormation(changes); err != nil {
			return err
		}
		c.done("done")
		if formation, err = c.readFormation(); err != nil {
			return err
		}
	}
	c.showTypes(formation)
	return nil
}

func (c *call) typeChanges(formation []client.Formation) (changes []scaleChange, err error) {
	if len(c.args) > 0 && !slices.ContainsFunc(c.args, func(a string) bool { return strings.Contains(a, "=") }) {
		for _, f := range formation {
			changes = append(changes, scaleChange{Type: f.Type, Size: c.args[0]})
		}
		return changes, nil
	}
	for _, a := range c.args {
		m := typeArg.FindStringSubmatch(a)
		typ := ""
		if m != nil {
			typ = m[1]
		}
		if !slices.ContainsFunc(formation, func(f client.Formation) bool { return f.Type == typ }) {
			var types []string
			for _, f := range formation {
				types = append(types, f.Type)
			}
			return nil, sentence("Type %s not found in process formation.\nTypes: %s", typ, strings.Join(types, ", "))
		}
		changes = append(changes, scaleChange{Type: typ, Size: m[2]})
	}
	return changes, nil
}

// monthly is what a dyno of each size costs on Heroku, in dollars.
var monthly = map[string]int{
	"Basic": 7, "Standard-1X": 25, "Standard-2X": 50, "Performance-M": 250, "Performance-L": 500, "Performance-L-RAM": 500,
	"Performance-XL": 750, "Performance-2XL": 1500,
}

func (c *call) showTypes(formation []client.Formation) {
	slices.SortFunc(formation, func(a, b client.Formation) int { return cmp.Compare(a.Type, b.Type) })
	var rows, totals [][]string
	total := make(map[string]int)
	var sizes []string
	for _, f := range formation {
		row := []string{f.Type, f.Size, fmt.Sprint(f.Quantity), "", ""}
		if dollars := monthly[f.Size]; dollars > 0 {
			row[3] = fmt.Sprintf("~$%.3f", float64(dollars)/720*float64(max(f.Quantity, 1)))
			row[4] = fmt.Sprintf("$%d", dollars*f.Quantity)
		}
		rows = append(rows, row)
		if _, seen := total[f.Size]; !seen {
			sizes = append(sizes, f.Size)
		}
		total[f.Size] += f.Quantity
	}
	for _, s := range sizes {
		totals = append(totals, []string{s, fmt.Sprint(total[s])})
	}
	c.header("Process Types")
	c.table([]string{"type", "size", "qty", "cost/hour", "max cost/month"}, rows)
	c.println("")
	c.header("Dyno Totals")
	c.table([]string{"type", "total"}, totals)
}
