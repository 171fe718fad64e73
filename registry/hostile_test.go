package registry_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

func ask(t *testing.T, method, url, contentType, body string) (int, string, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("_", "secret")
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b), resp.Header
}

const manifestType = "application/vnd.oci.image.manifest.v1+json"

func TestBadRequestsAreToldWhatWasWrong(t *testing.T) {
	s := newRegistry(t)
	zeros := strings.Repeat("0", 64)
	for _, c := range []struct {
		method, path, contentType, body string
		status                          int
		says                            string
	}{
		{"GET", "/v2/app/web/blobs/sha256:abc", "", "", 400, "is not a digest"},
		{"GET", "/v2/app/web/blobs/md5:" + zeros, "", "", 400, "is not a digest"},
		{"GET", "/v2/app/web/blobs/sha256:" + strings.Repeat("A", 64), "", "", 400, "lower-case"},
		{"GET", "/v2/app/web/blobs/sha256:" + zeros, "", "", 404, "has no blob"},
		{"GET", "/v2/APP/web/manifests/latest", "", "", 400, "not the name of a repository"},
		{"GET", "/v2/" + strings.Repeat("a/", 200) + "web/tags/list", "", "", 400, "not the name of a repository"},
		{"GET", "/v2/other/web/tags/list", "", "", 404, "there is no repository"},
		{"GET", "/v2/app/web/tags/list", "", "", 404, "nothing was pushed"},
		{"GET", "/v2/app/web/tags/list?n=x", "", "", 404, "nothing was pushed"},
		{"GET", "/v2/app/web/manifests/..%2f..%2fx", "", "", 404, ""},
		{"GET", "/v2/app/web/manifests/latest", "", "", 404, "has no manifest"},
		{"GET", "/v2/nothing", "", "", 404, "no such address"},
		{"PATCH", "/v2/app/web/blobs/uploads/../../x", "", "", 404, ""},
		{"PATCH", "/v2/app/web/blobs/uploads/0f0e0d0c-0000-4000-8000-000000000000", "", "x", 404, "no such upload"},
		{"POST", "/v2/app/web/blobs/uploads/?digest=sha256:" + zeros, "", "x", 400, "is not that of"},
		{"POST", "/v2/app/web/blobs/uploads/?digest-algorithm=md5", "", "", 400, "use sha256 or sha512"},
		{"PUT", "/v2/app/web/manifests/latest", manifestType, "{", 400, "the manifest is not one"},
		{"PUT", "/v2/app/web/manifests/latest", manifestType, `{"schemaVersion": 1}`, 400, "only 2 is known"},
		{"PUT", "/v2/app/web/manifests/latest", manifestType, `{"schemaVersion": 2}`, 400, "has no config"},
		{"PUT", "/v2/app/web/manifests/latest", "text/plain", `{"schemaVersion": 2}`, 400, "are not known here"},
		{"PUT", "/v2/app/web/manifests/latest", manifestType, `{"schemaVersion": 2, "mediaType": "x"}`, 400, "the request that it is"},
		{"PUT", "/v2/app/web/manifests/latest", manifestType, `{"schemaVersion": 2, "config": {"digest": "../../etc/passwd"}}`, 400, "is not a digest"},
		{"PUT", "/v2/app/web/manifests/latest", manifestType, `{"schemaVersion": 2, "config": {"digest": "sha256:` + zeros + `"}}`, 404, "was not pushed"},
		{"PUT", "/v2/app/web/manifests/-bad", manifestType, `{}`, 400, "is not a tag"},
		{"PUT", "/v2/app/web/manifests/sha256:" + zeros, manifestType, `{}`, 400, "is not that of"},
		{"PUT", "/v2/app/web/manifests/latest", manifestType, strings.Repeat(" ", 4<<20+1), 413, "at most"},
		{"DELETE", "/v2/app/web/tags/list", "", "", 405, "is not done here"},
	} {
		status, body, _ := ask(t, c.method, s.URL+c.path, c.contentType, c.body)
		if status != c.status || !strings.Contains(body, c.says) {
			t.Errorf("%s %.80s: %d %.200s\n want %d %s", c.method, c.path, status, body, c.status, c.says)
		}
	}
	resp, err := http.Get(s.URL + "/v2/")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized || resp.Header.Get("WWW-Authenticate") != `Basic realm="kigo"` {
		t.Errorf("without a token: %d %q", resp.StatusCode, resp.Header.Get("WWW-Authenticate"))
	}
}

func TestAnUploadBelongsToItsRepository(t *testing.T) {
	s := newRegistry(t)
	_, _, h := ask(t, "POST", s.URL+"/v2/app/web/blobs/uploads/", "", "")
	at := h.Get("Location")
	if status, _, _ := ask(t, "PATCH", s.URL+strings.Replace(at, "app/web", "app/worker", 1), "", "x"); status != 404 {
		t.Errorf("another repository went on with it: %d", status)
	}
	if status, _, h := ask(t, "PATCH", s.URL+at, "", "x"); status != 202 || h.Get("Range") != "0-0" {
		t.Errorf("%d %q", status, h.Get("Range"))
	}
	// A blob that one repository has is not another's, though its bytes are there.
	ask(t, "POST", s.URL+"/v2/app/web/blobs/uploads/?digest=sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881", "", "x")
	if status, _, _ := ask(t, "GET", s.URL+"/v2/app/web/blobs/sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881", "", ""); status != 200 {
		t.Errorf("its own blob: %d", status)
	}
	if status, _, _ := ask(t, "GET", s.URL+"/v2/app/worker/blobs/sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881", "", ""); status != 404 {
		t.Errorf("another's blob: %d", status)
	}
}
