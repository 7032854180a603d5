// The WIT-SVID profile, as go-spiffe knows it. Prints "wit" when it wants the trust domain to have WIT-SVIDs; BUNDLE is its document then.
package main

import (
	"context"
	"crypto/ecdsa"
	"fmt"
	"os"
	"time"

	"github.com/spiffe/go-spiffe/v2/bundle/spiffebundle"
	"github.com/spiffe/go-spiffe/v2/exp/svid/witsvid"
	"github.com/spiffe/go-spiffe/v2/svid/jwtsvid"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func wits(ctx context.Context, client *workloadapi.Client) {
	_, err := client.FetchWITSVID(ctx, "")
	check(status.Code(err) == codes.Unimplemented, "without WIT-SVIDs: %v", err)
	_, err = client.FetchWITBundles(ctx)
	check(status.Code(err) == codes.Unimplemented, "without WIT bundles: %v", err)
	fmt.Println("wit")
	svid, err := client.FetchWITSVID(ctx, me.String())
	for ; status.Code(err) == codes.Unimplemented; svid, err = client.FetchWITSVID(ctx, me.String()) {
		time.Sleep(100 * time.Millisecond)
	}
	must(err)
	check(svid.ID == me && svid.Hint == "main", "the WIT-SVID is of %s, %q", svid.ID, svid.Hint)
	key, ok := svid.PrivateKey.(*ecdsa.PrivateKey)
	check(ok && key.PublicKey.Equal(svid.PublicKey), "the key is not the one of the WIT-SVID")
	source, err := workloadapi.NewWITSource(ctx)
	must(err)
	defer source.Close()
	_, err = source.GetWITSVIDForID(me)
	must(err)
	_, err = witsvid.ParseAndValidate(svid.Marshal(), source)
	must(err)
	document, err := os.ReadFile(os.Getenv("BUNDLE"))
	must(err)
	published, err := spiffebundle.Parse(home, document)
	must(err)
	check(len(published.WITAuthorities()) == 1 && len(published.JWTAuthorities()) == 1 && len(published.X509Authorities()) == 1, "the published authorities")
	_, err = witsvid.ParseAndValidate(svid.Marshal(), published)
	must(err)
	_, err = jwtsvid.ParseAndValidate(svid.Marshal(), published, []string{"db"})
	check(err != nil, "a WIT-SVID must be no JWT-SVID")
	_, err = client.ValidateJWTSVID(ctx, svid.Marshal(), "db")
	check(status.Code(err) == codes.InvalidArgument, "validated as a JWT-SVID: %v", err)
}
