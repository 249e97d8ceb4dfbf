package room

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"scalable-chat/server/internal/bus"
	"scalable-chat/server/internal/chat"
	"scalable-chat/server/internal/test/assert"
)

func person(i int) chat.Person {
	return chat.Person{ID: fmt.Sprintf("~%03d", i), Name: fmt.Sprintf("name %03d", i)}
}

func TestPRE6_VerifiedNamesComeFirstAndThoseWithoutANameLast(t *testing.T) {
	want := []chat.Person{
		{ID: "u2", Name: "bob", Verified: true},
		{ID: "u1", Name: "zoe", Verified: true},
		{ID: "~1", Name: "ada"},
		{ID: "~2", Name: "ada"},
		{ID: "~0", Name: chat.Anonymous},
	}
	shuffled := slices.Clone(want)
	rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	var s selection
	for _, p := range shuffled {
		s.add(p)
	}
	assert.Equal(t, "order", s.people(), want)
}

// TestP6_TheFirstOfManyAreThoseOfSorting compares a selection with the sorted list, in each order in which people may come.
func TestP6_TheFirstOfManyAreThoseOfSorting(t *testing.T) {
	var all []chat.Person
	for i := range 1000 {
		all = append(all, person(i))
		if i%3 == 0 { // another tab, where the name is another
			all = append(all, chat.Person{ID: person(i).ID, Name: chat.Anonymous})
		}
	}
	var want []chat.Person
	for i := range chat.MaxPeople {
		want = append(want, person(i))
	}
	for range 20 {
		rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		var s selection
		for _, p := range all {
			s.add(p)
			if len(s.found) >= 2*chat.MaxPeople {
				t.Fatalf("holds %d people", len(s.found))
			}
		}
		assert.Equal(t, "selected", s.people(), want)
	}
}

func TestP6_TheLongestNamesFitIntoAnAnswer(t *testing.T) {
	var s selection
	for i := range chat.MaxPeople {
		s.add(chat.Person{ID: strings.Repeat("<", 125) + fmt.Sprint(100+i), Name: strings.Repeat("<", chat.MaxUsernameChars)})
	}
	named := s.people()
	text, err := json.Marshal(named)
	assert.NoError(t, err)
	if len(named) == 0 || len(text) > peopleBytes+2 {
		t.Errorf("%d people of %d bytes", len(named), len(text))
	}
	if size := len(encodePeople(chat.People{Total: len(named), People: named})); size > bus.MaxPayload/2 {
		t.Errorf("%d bytes for other nodes", size)
	}
}

func TestPRE6_WhoIsOnSeveralNodesCountsOnce(t *testing.T) {
	var u union
	u.add(chat.People{Total: 2, People: []chat.Person{person(1), {ID: "~002", Name: chat.Anonymous}}})
	u.add(chat.People{Total: 2, People: []chat.Person{person(2), person(3)}})
	u.add(chat.People{Total: 300, People: []chat.Person{person(4)}})
	assert.Equal(t, "people", u.people(), chat.People{
		Total: 303, People: []chat.Person{person(1), person(2), person(3), person(4)},
	})
}

func TestAnswersOfNodesSurviveTheWay(t *testing.T) {
	for _, people := range []chat.People{
		{People: []chat.Person{}},
		{Total: 1, People: []chat.Person{{ID: "u<1>", Name: "Ada \U0001f469\u200d\U0001f4bb", Verified: true}}},
		{Total: 7, People: []chat.Person{person(1), person(2)}},
	} {
		got, ok := decodePeople(encodePeople(people))
		assert.Equal(t, "makes sense", ok, true)
		assert.Equal(t, "people", got, people)
	}
	_, ok := decodePeople(json.RawMessage("[]"))
	assert.Equal(t, "a node that has nothing to say", ok, true)
}

var forged = []string{
	``, `null`, `{}`, `[1]`, `["x"]`, `[[]]`, `[{},{}]`, `[{"total":-1}]`, `[{"total":1e30}]`, `[{"total":2000000000,"people":[]}]`,
	`[{"total":0,"people":[{"id":"a","name":"b"}]}]`, `[{"total":1,"people":[{"id":"","name":"b"}]}]`,
	`[{"total":1,"people":[{"id":"a","name":""}]}]`, `[{"total":1,"people":[{"id":1,"name":"b"}]}]`, `[{"total":1,"people":[null]}]`,
	`[{"total":2,"people":[{"id":"a","name":"b"},{"id":"a","name":"c"}]}]`,
	`[{"total":101,"people":[` + strings.Repeat(`{"id":"a","name":"b"},`, 100) + `{"id":"a","name":"b"}]}]`,
}

func TestP6_ForgedAnswersOfNodesAreDropped(t *testing.T) {
	for _, answer := range forged {
		if answer == `null` { // as an empty one; no bus message can hold it
			continue
		}
		if got, ok := decodePeople(json.RawMessage(answer)); ok {
			t.Errorf("%s became %+v", answer, got)
		}
	}
}

func FuzzPeopleOfOtherNodes(f *testing.F) {
	for _, answer := range forged {
		f.Add([]byte(answer))
	}
	f.Add(encodePeople(chat.People{Total: 2, People: []chat.Person{person(1), person(2)}}))
	f.Fuzz(func(t *testing.T, answer []byte) {
		people, ok := decodePeople(answer)
		if !ok {
			return
		}
		var u union
		u.add(people)
		u.add(people)
		got := u.people()
		if got.Total < len(got.People) || got.Total > 2*mostPeople || len(got.People) > chat.MaxPeople || got.People == nil {
			t.Errorf("%s became %d people, %d of them named", answer, got.Total, len(got.People))
		}
	})
}
