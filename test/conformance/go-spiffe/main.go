// What a Go workload does with an agent through an unmodified go-spiffe; any difference from the standard ends it with an error.
// SPIFFE_ENDPOINT_SOCKET names the agent. Prints "watching" when it wants a second identity to be given to it.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"log"
	"net"
	"time"

	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/spiffetls/tlsconfig"
	"github.com/spiffe/go-spiffe/v2/svid/jwtsvid"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
)

var (
	home = spiffeid.RequireTrustDomainFromString("example.org")
	me   = spiffeid.RequireFromPath(home, "/me")
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client, err := workloadapi.New(ctx)
	must(err)
	defer client.Close()
	certificates(ctx)
	tokens(ctx, client)
	bundles(ctx, client)
	wits(ctx, client)
	watches(ctx, client)
	fmt.Println("done")
}

func certificates(ctx context.Context) {
	source, err := workloadapi.NewX509Source(ctx)
	must(err)
	defer source.Close()
	svid, err := source.GetX509SVID()
	must(err)
	check(svid.ID == me, "the identity is %s", svid.ID)
	check(svid.Hint == "main", "the hint is %q", svid.Hint)
	_, _, err = x509svid.Verify(svid.Certificates, source)
	must(err)
	talk(source)
}

// Two ends that know each other by SPIFFE ID alone.
func talk(source *workloadapi.X509Source) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	listener := tls.NewListener(inner, tlsconfig.MTLSServerConfig(source, source, tlsconfig.AuthorizeID(me)))
	defer listener.Close()
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = fmt.Fprintln(connection, "hello")
			connection.Close()
		}
	}()
	connection, err := tls.Dial("tcp", listener.Addr().String(), tlsconfig.MTLSClientConfig(source, source, tlsconfig.AuthorizeID(me)))
	must(err)
	defer connection.Close()
	word, err := bufio.NewReader(connection).ReadString('\n')
	must(err)
	check(word == "hello\n", "heard %q", word)
	stranger := spiffeid.RequireFromPath(home, "/stranger")
	_, err = tls.Dial("tcp", listener.Addr().String(), tlsconfig.MTLSClientConfig(source, source, tlsconfig.AuthorizeID(stranger)))
	check(err != nil, "a server that is somebody else must be refused")
}

func tokens(ctx context.Context, client *workloadapi.Client) {
	source, err := workloadapi.NewJWTSource(ctx)
	must(err)
	defer source.Close()
	token, err := source.FetchJWTSVID(ctx, jwtsvid.Params{Audience: "db", ExtraAudiences: []string{"cache"}})
	must(err)
	check(token.ID == me, "the token is of %s", token.ID)
	parsed, err := jwtsvid.ParseAndValidate(token.Marshal(), source, []string{"cache"})
	must(err)
	check(len(parsed.Audience) == 2, "audiences: %v", parsed.Audience)
	valid, err := client.ValidateJWTSVID(ctx, token.Marshal(), "db")
	must(err)
	check(valid.ID == me, "validated as %s", valid.ID)
	_, err = client.ValidateJWTSVID(ctx, token.Marshal(), "other")
	check(err != nil, "a token for others must be refused")
	all, err := client.FetchJWTSVIDs(ctx, jwtsvid.Params{Audience: "db"})
	must(err)
	check(len(all) == 1, "%d tokens", len(all))
}

func bundles(ctx context.Context, client *workloadapi.Client) {
	x509, err := client.FetchX509Bundles(ctx)
	must(err)
	check(x509.Len() == 1 && x509.Has(home), "X.509 bundles")
	jwt, err := client.FetchJWTBundles(ctx)
	must(err)
	check(jwt.Len() == 1 && jwt.Has(home), "JWT bundles")
	source, err := workloadapi.NewBundleSource(ctx)
	must(err)
	defer source.Close()
	bundle, err := source.GetBundleForTrustDomain(home)
	must(err)
	check(len(bundle.X509Authorities()) == 1 && len(bundle.JWTAuthorities()) == 1, "the authorities")
}

type watcher struct{ heard chan int }

func (w watcher) OnX509ContextUpdate(update *workloadapi.X509Context) {
	if len(w.heard) == 0 && len(update.SVIDs) == 1 {
		fmt.Println("watching")
	}
	w.heard <- len(update.SVIDs)
}

func (w watcher) OnX509ContextWatchError(err error) { log.Printf("while watching: %v", err) }

func watches(ctx context.Context, client *workloadapi.Client) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w := watcher{make(chan int, 10)}
	go func() { _ = client.WatchX509Context(ctx, w) }()
	for {
		select {
		case count := <-w.heard:
			if count == 2 {
				return
			}
		case <-ctx.Done():
			log.Fatal("no news came")
		}
	}
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func check(holds bool, format string, args ...any) {
	if !holds {
		log.Fatalf(format, args...)
	}
}
