package wire

import (
	"testing"

	"scalable-chat/server/internal/test/assert"
)

// TestEIO9_NumbersNameEvents: the library gets the text that JavaScript makes of them.
func TestEIO9_NumbersNameEvents(t *testing.T) {
	for _, c := range [][2]string{
		{`2[1,"x"]`, `2["1","x"]`},
		{`2[0]`, `2["0"]`},
		{`2[-0]`, `2["0"]`},
		{`2[-7]`, `2["-7"]`},
		{`2[1.50]`, `2["1.5"]`},
		{`2[1e3,{}]`, `2["1000",{}]`},
		{`2[1e21]`, `2["1e+21"]`},
		{`2[1e-7]`, `2["1e-7"]`},
		{`2[123456789012345680000]`, `2["123456789012345680000"]`},
		{`2/chat,12[ 42 , "x" ]`, `2/chat,12[ "42" , "x" ]`},
		{`51-[3,{"_placeholder":true,"num":0}]`, `51-["3",{"_placeholder":true,"num":0}]`},
		{`2["1","x"]`, `2["1","x"]`},
		{`31[1]`, `31[1]`},
		{`0{"a":1}`, `0{"a":1}`},
	} {
		h, err := ParsePacket([]byte(c[0]), Limits{Binary: true})
		assert.NoError(t, err, c[0])
		assert.Equal(t, c[0], string(NameText([]byte(c[0]), h)), c[1])
	}
	for _, packet := range []string{`2[null]`, `2[true]`, `2[{}]`, `2[[]]`, `2[-]`, `2[01]`, `2[1e999]`, `2[]`} {
		if _, err := ParsePacket([]byte(packet), Limits{}); err == nil {
			t.Errorf("%s was accepted", packet)
		}
	}
}
