package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"scalable-chat/server/internal/chat"
	"scalable-chat/server/internal/test/assert"
)

// openAPI is protocol/openapi.yaml. Every answer in the tests of this package is held against it.
type openAPI struct {
	Paths      map[string]map[string]yaml.Node
	Components struct {
		Parameters map[string]parameter
		Responses  map[string]response
		Schemas    map[string]object
	}
	operations map[string]operation // by method and path
	schemas    func(pointer string) (*jsonschema.Schema, error)
}

type (
	operation struct {
		Parameters []parameter
		Responses  map[string]response // by status
	}
	parameter struct {
		Ref      string `yaml:"$ref"`
		Name, In string
		Schema   struct{ Default int }
	}
	response struct {
		Ref     string `yaml:"$ref"`
		Headers map[string]any
		Content map[string]struct{ Schema object }
	}
	object struct {
		Required   []string
		Properties map[string]struct{ Enum []string }
	}
)

const openAPIFile = "../../../protocol/openapi.yaml"

var readOpenAPI = sync.OnceValues(func() (*openAPI, error) {
	d := &openAPI{operations: map[string]operation{}}
	text, err := os.ReadFile(openAPIFile)
	if err != nil {
		return nil, err
	}
	var whole any
	if err := yaml.Unmarshal(text, d); err != nil {
		return nil, err
	}
	if err := yaml.Unmarshal(text, &whole); err != nil {
		return nil, err
	}
	asJSON, err := json.Marshal(whole)
	if err != nil {
		return nil, err
	}
	resource, err := jsonschema.UnmarshalJSON(strings.NewReader(string(asJSON)))
	if err != nil {
		return nil, err
	}
	d.schemas = func(pointer string) (*jsonschema.Schema, error) {
		compiler := jsonschema.NewCompiler()
		if err := compiler.AddResource("openapi.yaml", resource); err != nil {
			return nil, err
		}
		return compiler.Compile("openapi.yaml" + pointer)
	}
	return d, d.resolve()
})

// document returns the file.
func document(t *testing.T) *openAPI {
	t.Helper()
	d, err := readOpenAPI()
	assert.NoError(t, err)
	return d
}

// resolve gives every operation its parameters and responses in the place of references.
func (d *openAPI) resolve() error {
	for path, item := range d.Paths {
		for method, node := range item {
			if method == "parameters" {
				continue
			}
			var o operation
			if err := node.Decode(&o); err != nil {
				return err
			}
			for i, p := range o.Parameters {
				o.Parameters[i] = d.Components.Parameters[lastPart(p.Ref)]
			}
			for status, r := range o.Responses {
				resolved := d.Components.Responses[lastPart(r.Ref)]
				resolved.Ref = r.Ref
				o.Responses[status] = resolved
			}
			d.operations[strings.ToUpper(method)+" "+path] = o
		}
	}
	return nil
}

func lastPart(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }

// codes are those of a response; "ok" if it is no refusal.
func (r response) codes() []string {
	if all := r.Content["application/json"].Schema.Properties["code"].Enum; len(all) > 0 {
		return all
	}
	return []string{OK}
}

// answers are all that the file allows, each as method, path, status and code.
func (d *openAPI) answers() (all []string) {
	for name, o := range d.operations {
		for status, r := range o.Responses {
			for _, c := range r.codes() {
				all = append(all, name+" "+status+" "+c)
			}
		}
	}
	slices.Sort(all)
	return all
}

// validate holds JSON against the schema that a pointer names.
func (d *openAPI) validate(pointer, text string) error {
	schema, err := d.schemas(pointer)
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

// check holds an answer against the file and returns it in the form of [openAPI.answers].
func (d *openAPI) check(t *testing.T, r *http.Request, got answered) string {
	t.Helper()
	name := r.Method + " " + r.URL.Path
	if strings.HasPrefix(r.URL.Path, "/api/v1/rooms/") {
		name = r.Method + " /api/v1/rooms/{room}/" + lastPart(r.URL.Path)
	}
	answer := fmt.Sprintf("%s %d %s", name, got.status, got.code)
	if got.code == string(notFound) || got.code == string(methodNotAllowed) { // of no operation
		assert.NoError(t, d.validate("#/components/schemas/Refusal", got.body), answer)
		return answer
	}
	documented := d.operations[name].Responses[fmt.Sprint(got.status)]
	if documented.Ref == "" {
		t.Errorf("not documented: %s", answer)
		return answer
	}
	assert.NoError(t, d.validate(documented.Ref+"/content/application~1json/schema", got.body), answer)
	for _, header := range []string{"Retry-After", "WWW-Authenticate"} {
		assert.Equal(t, answer+" has "+header, got.header.Get(header) != "", documented.Headers[header] != nil)
	}
	return answer
}

func TestOPENAPI_HasTheOperationsOfTheHandler(t *testing.T) {
	var served, documented []string
	for path, methods := range routes(newHandler(&backend{})) {
		for method := range methods {
			served = append(served, method+" "+path)
		}
	}
	for name := range document(t).operations {
		documented = append(documented, name)
	}
	slices.Sort(served)
	slices.Sort(documented)
	assert.Equal(t, "operations", documented, served)
}

func TestOPENAPI_HasTheDefaultsOfTheHandler(t *testing.T) {
	all := document(t).Components.Parameters
	assert.Equal(t, "rooms", all["rooms"].Schema.Default, DefaultRooms)
	assert.Equal(t, "top", all["top"].Schema.Default, DefaultTop)
	assert.Equal(t, "messages", all["messages"].Schema.Default, chat.HistoryMessages)
}

func TestOPENAPI_HasTheCodesOfTheHandler(t *testing.T) {
	d := document(t)
	assert.Equal(t, "codes", d.Components.Schemas["Refusal"].Properties["code"].Enum, Codes())
	ofTokens := []string{chat.OutcomeOK, string(chat.Expired)}
	for _, code := range chat.Outcomes() {
		if !slices.Contains(ofTokens, code) && !slices.Contains(Codes(), code) {
			t.Errorf("%s of a message has no status", code)
		}
	}
}

// TestOPENAPI_HasTheFieldsOfTheAnswers: every field that the code can answer with is documented, and no other; what may be left
// out is not required.
func TestOPENAPI_HasTheFieldsOfTheAnswers(t *testing.T) {
	for name, of := range map[string]any{
		"Stored": chat.Stored{}, "Past": chat.Past{}, "Message": chat.Message{}, "Refusal": chat.Refusal{}, "Listed": chat.Listed{},
		"Rooms": Rooms{}, "Top": Top{}, "Busy": Busy{}, "Nodes": Nodes{}, "Node": Node{}, "People": chat.People{}, "Person": chat.Person{},
	} {
		var fields, required, documented []string
		for field := range reflect.TypeOf(of).Fields() {
			name, option, _ := strings.Cut(field.Tag.Get("json"), ",")
			fields = append(fields, name)
			if option != "omitempty" {
				required = append(required, name)
			}
		}
		schema := document(t).Components.Schemas[name]
		for field := range schema.Properties {
			documented = append(documented, field)
		}
		slices.Sort(fields)
		slices.Sort(documented)
		assert.Equal(t, "fields of "+name, documented, fields)
		assert.Equal(t, "required fields of "+name, schema.Required, required)
	}
}

// TestOPENAPI_HasTheParametersOfTheHandler: of all parameters, each operation takes those that it documents.
func TestOPENAPI_HasTheParametersOfTheHandler(t *testing.T) {
	values := map[string]string{"before": "1-0", "limit": "3", "after": "5-0", "around": "6-1", "other": "x"}
	for name, o := range document(t).operations {
		method, path, _ := strings.Cut(name, " ")
		for key, value := range values {
			got := serve(t, newHandler(&backend{}), call{
				method: method, path: strings.Replace(path, "{room}", "cats", 1) + "?" + key + "=" + value, body: bodyFor(method),
			})
			documented := slices.ContainsFunc(o.Parameters, func(p parameter) bool { return p.Name == key && p.In == "query" })
			assert.Equal(t, name+" takes "+key, got.status == http.StatusOK, documented)
		}
	}
}
